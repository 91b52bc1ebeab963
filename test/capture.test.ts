import { describe, expect, it } from "vitest";
import {
  LINK_ETHERNET,
  LINK_IPV4,
  LINK_IPV6,
  LINK_LINUX_SLL2,
  LINK_RAW,
} from "../host/netx/link.ts";
import { type CapturePacket, readCapture } from "../sim/capture.ts";
import { framesOf, loadFile, loadFrames, printFrames } from "./support/captures.ts";
import {
  type Frame,
  joinBytes,
  type PcapngInterface,
  writePcap,
  writePcapng,
  writeSimplePcapng,
} from "./support/pcap-writer.ts";

const nanosFrames = loadFrames("d3_beaconexfil");
const microsFrames = loadFrames("d1_benign");
const ORDERS = [
  ["little", true],
  ["big", false],
] as const;

const small: Frame[] = [
  { seconds: 100, nanos: 999_999_000, data: Uint8Array.of(1, 2, 3, 4, 5) },
  { seconds: 101, nanos: 998_000, data: Uint8Array.of(6, 7, 8), originalBytes: 60 },
  { seconds: 101, nanos: 999_000, data: Uint8Array.of(9) },
];
const ethernet: PcapngInterface = { linkType: LINK_ETHERNET };

function read(bytes: Uint8Array): Frame[] {
  return framesOf(readCapture(bytes, "test.pcap"));
}

/** Fails unless the bytes are a capture of exactly these frames. */
function expectFrames(bytes: Uint8Array, frames: readonly Frame[]): void {
  expect(printFrames(read(bytes))).toEqual(printFrames(frames));
}

function sinceFirst(bytes: Uint8Array): number[] {
  return Array.from(readCapture(bytes, "t").packets(), ({ sinceFirstMs }) => sinceFirstMs);
}

describe.each(ORDERS)("capture: %s endian", (_, little) => {
  it("capture: reads pcap with nanoseconds as it was written", () => {
    const bytes = writePcap(nanosFrames, { little, nanos: true, linkType: LINK_ETHERNET });
    expectFrames(bytes, nanosFrames);
  });

  it("capture: reads pcap with microseconds as it was written", () => {
    const bytes = writePcap(microsFrames, { little, nanos: false, linkType: LINK_ETHERNET });
    expectFrames(bytes, microsFrames);
  });

  it("capture: reads pcapng with and without a resolution as it was written", () => {
    expectFrames(writeSimplePcapng(microsFrames, little, ethernet), microsFrames);
    const nanos = { ...ethernet, resolution: 9 };
    expectFrames(writeSimplePcapng(nanosFrames, little, nanos), nanosFrames);
  });

  it("capture: reads obsolete packet blocks as enhanced ones", () => {
    expectFrames(writeSimplePcapng(microsFrames, little, ethernet, "obsolete"), microsFrames);
  });

  it("capture: reads simple packet blocks with the interface's limit and no time", () => {
    const source = { ...ethernet, snapBytes: 4 };
    const long = small.map((frame, i) => ({ ...frame, data: new Uint8Array(3 + i) }));
    const whole = long.map(({ seconds, nanos, data }) => ({ seconds, nanos, data }));
    const frames = read(writeSimplePcapng(whole, little, source, "simple"));
    expect(frames.map(({ data, originalBytes }) => [data.length, originalBytes])).toEqual([
      [3, 3],
      [4, 4],
      [4, 5],
    ]);
    expect(frames.every(({ seconds, nanos }) => seconds === 0 && nanos === 0)).toBe(true);
  });

  it("capture: skips unknown blocks and options", () => {
    const packets = small.map((frame) => ({ ...frame, interface: 0, block: "enhanced" as const }));
    const section = { little, interfaces: [ethernet], packets, extras: true };
    expectFrames(writePcapng([section]), small);
  });

  it("capture: applies a time offset, negative or not", () => {
    for (const offsetSeconds of [-5, 90, 1_000]) {
      const source = { ...ethernet, resolution: 9, offsetSeconds };
      const late = small.map((frame) => ({ ...frame, seconds: frame.seconds + 2_000 }));
      expectFrames(writeSimplePcapng(late, little, source), late);
    }
  });
});

it("capture: gives the whole recorded file in both of its formats", () => {
  const pcapng = loadFile("test/fixtures/captures/d1_benign.pcapng.gz");
  expect(readCapture(pcapng, "d1").format).toBe("pcapng");
  expectFrames(pcapng, microsFrames);
});

it("capture: reads every resolution without loss of what it can say", () => {
  for (const resolution of [0, 3, 6, 9, 10, 12, 0x80 | 10, 0x80 | 20, 0x80 | 31, 0x80 | 33]) {
    const bytes = writeSimplePcapng(small, true, { ...ethernet, resolution });
    const unitNanos =
      (resolution & 0x80) === 0 ? 10 ** (9 - resolution) : 1e9 / 2 ** (resolution & 0x7f);
    read(bytes).forEach(({ seconds, nanos }, i) => {
      const frame = small[i] as Frame;
      const late = (frame.seconds - seconds) * 1e9 + (frame.nanos - nanos);
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThan(Math.max(1, unitNanos));
    });
  }
});

it("capture: rounds the milliseconds since the first packet down, exactly", () => {
  const expected = [0, 0, 1];
  const times = [
    { seconds: 1_795_198_462, nanos: 999_999_999 },
    { seconds: 1_795_198_463, nanos: 999_998 },
    { seconds: 1_795_198_463, nanos: 999_999 },
  ];
  const frames = times.map((time) => ({ ...time, data: new Uint8Array(1) }));
  expect(sinceFirst(writePcap(frames, { little: true, nanos: true, linkType: 1 }))).toEqual(
    expected,
  );
  const nanos = { ...ethernet, resolution: 9 };
  expect(sinceFirst(writeSimplePcapng(frames, true, nanos))).toEqual(expected);
});

it("capture: gives a negative time to a packet before the first", () => {
  const frames = [small[1], small[0]] as Frame[];
  expect(sinceFirst(writePcap(frames, { little: true, nanos: true, linkType: 1 }))).toEqual([
    0, -1,
  ]);
});

it("capture: joins sections of either order, each with its interfaces", () => {
  const [a, b, c] = small as [Frame, Frame, Frame];
  const enhanced = { block: "enhanced" as const };
  const bytes = writePcapng([
    {
      little: true,
      interfaces: [ethernet, { linkType: LINK_RAW, resolution: 9 }],
      packets: [{ ...a, interface: 1, ...enhanced }],
    },
    {
      little: false,
      interfaces: [{ linkType: LINK_LINUX_SLL2, resolution: 3 }],
      packets: [
        { ...b, nanos: 0, interface: 0, ...enhanced },
        { ...c, interface: 0, block: "simple" },
      ],
    },
  ]);
  const packets: CapturePacket[] = [];
  for (const packet of readCapture(bytes, "t").packets()) packets.push({ ...packet });
  expect(packets.map(({ linkType }) => linkType)).toEqual([
    LINK_RAW,
    LINK_LINUX_SLL2,
    LINK_LINUX_SLL2,
  ]);
  expect(packets.map(({ sinceFirstMs }) => sinceFirstMs)).toEqual([0, 0, 0]);
  expect(packets.map(({ seconds }) => seconds)).toEqual([100, 101, 101]);
});

it("capture: keeps the original length of frames cut by the capture", () => {
  const bytes = writePcap(microsFrames, { little: true, nanos: true, linkType: 1, snapBytes: 60 });
  const frames = read(bytes);
  expect(frames.map(({ originalBytes }) => originalBytes)).toEqual(
    microsFrames.map(({ originalBytes }) => originalBytes),
  );
  expect(Math.max(...frames.map(({ data }) => data.length))).toBe(60);
});

it("capture: starts from the first packet each time packets are asked for", () => {
  const capture = readCapture(writeSimplePcapng(small, true, ethernet), "t");
  expect(framesOf(capture)).toEqual(framesOf(capture));
});

it("capture: reads a view into a larger buffer", () => {
  const bytes = writePcap(small, { little: false, nanos: true, linkType: LINK_IPV4 });
  const larger = joinBytes([Uint8Array.of(7, 7, 7), bytes, Uint8Array.of(7)]);
  expectFrames(larger.subarray(3, 3 + bytes.length), small);
});

it("capture: has no packets in a file with nothing but a header", () => {
  expect(read(writePcap([], { little: true, nanos: true, linkType: LINK_IPV6 }))).toEqual([]);
  expect(read(writeSimplePcapng([], true, ethernet))).toEqual([]);
});

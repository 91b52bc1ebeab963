import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  LINK_ETHERNET,
  LINK_IPV4,
  LINK_IPV6,
  LINK_LINUX_SLL,
  LINK_LINUX_SLL2,
  LINK_RAW,
} from "../host/netx/link.ts";
import { CaptureError, type CapturePacket, readCapture } from "../sim/capture.ts";
import { FRAME_BYTES_MAX } from "../sim/capture-packet.ts";
import { framesOf, loadFile, loadFrames, printFrames } from "./support/captures.ts";
import {
  createBytes,
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

/** The message of the error that reading ends in. */
function failure(bytes: Uint8Array): string {
  try {
    read(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(CaptureError);
    const { message } = error as CaptureError;
    expect(message).not.toContain("\n");
    return message;
  }
  throw new Error("no error");
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

describe("capture: bad input", () => {
  const pcap = writePcap(small, { little: true, nanos: true, linkType: LINK_LINUX_SLL });
  const pcapng = writeSimplePcapng(small, true, { ...ethernet, resolution: 9 });

  it("capture: says that a file is empty, packed, or of another format", () => {
    expect(failure(new Uint8Array(0))).toMatch(/^test\.pcap, byte 0: the file is empty; give/);
    expect(failure(Uint8Array.of(0x1f, 0x8b, 8, 0))).toMatch(/gzip; unpack/);
    expect(failure(Uint8Array.of(0x34, 0xcd, 0xb2, 0xa1, 2, 0))).toMatch(/modified pcap/);
    expect(failure(new TextEncoder().encode("hello"))).toMatch(/neither pcap nor pcapng/);
    expect(failure(Uint8Array.of(0xa1))).toMatch(/neither pcap nor pcapng/);
  });

  it("capture: names the unknown link type and where it stands", () => {
    const other = writePcap(small, { little: false, nanos: true, linkType: 147 });
    expect(failure(other)).toMatch(/byte 20: unknown link type 147; capture on/);
    expect(failure(writeSimplePcapng(small, false, { linkType: 195 }))).toMatch(/link type 195/);
  });

  it("capture: reads on past an interface of unknown link type without packets", () => {
    const packets = small.map((frame) => ({ ...frame, interface: 1, block: "enhanced" as const }));
    const interfaces = [{ linkType: 195 }, ethernet];
    expect(read(writePcapng([{ little: true, interfaces, packets }]))).toHaveLength(3);
  });

  it("capture: refuses every cut but those between packets", () => {
    for (const bytes of [pcap, pcapng]) {
      let fine = 0;
      for (let length = 1; length < bytes.length; length++) {
        try {
          expect(read(bytes.subarray(0, length)).length).toBeLessThan(small.length);
          fine++;
        } catch (error) {
          expect(error).toBeInstanceOf(CaptureError);
          if (length >= 28) expect(String(error)).toMatch(/cut off/);
        }
      }
      // After the header or headers, and after each packet but the last.
      expect(fine).toBe(bytes === pcap ? 3 : 4);
    }
  });

  it("capture: takes a frame of FRAME_BYTES_MAX and refuses a longer one", () => {
    for (const [length, fine] of [
      [FRAME_BYTES_MAX, true],
      [FRAME_BYTES_MAX + 1, false],
    ] as const) {
      const frames = [{ seconds: 1, nanos: 0, data: new Uint8Array(length) }];
      const options = { little: true, nanos: true, linkType: 1, snapBytes: length };
      for (const bytes of [writePcap(frames, options), writeSimplePcapng(frames, true, ethernet)]) {
        if (fine) expect(read(bytes)).toHaveLength(1);
        else expect(failure(bytes)).toMatch(/at most 262144 are possible/);
      }
    }
  });

  it("capture: refuses other versions", () => {
    const oldPcap = pcap.slice();
    oldPcap[6] = 3;
    expect(failure(oldPcap)).toMatch(/pcap version 2\.3/);
    const newPcapng = pcapng.slice();
    newPcapng[12] = 2;
    expect(failure(newPcapng)).toMatch(/pcapng version 2/);
  });

  it("capture: refuses packets of an interface that is not described", () => {
    const bytes = joinBytes([pcapng.subarray(0, 28), pcapng.subarray(pcapng.length - 36)]);
    expect(failure(bytes)).toMatch(/interface 0, which is not described/);
  });

  it("capture: refuses an option that is longer than its block", () => {
    const out = createBytes(true);
    out.raw(pcapng.subarray(0, 28));
    for (const word of [1, 28, LINK_ETHERNET, 0]) out.u32(word);
    out.u16(9);
    out.u16(5);
    out.u32(0);
    out.u32(28);
    expect(failure(out.take())).toMatch(/byte 44: an interface option has a wrong length/);
  });

  it("capture: refuses a time that no capture can have", () => {
    const source = { ...ethernet, resolution: 0, offsetSeconds: Number.MAX_SAFE_INTEGER };
    const packets = [
      {
        ...(small[0] as Frame),
        seconds: Number.MAX_SAFE_INTEGER,
        interface: 0,
        block: "enhanced" as const,
      },
    ];
    const bytes = writePcapng([{ little: true, interfaces: [source], packets }]);
    expect(failure(bytes)).toMatch(/time is out of range/);
  });

  it("capture: ends damaged files with packets or a CaptureError, in bounds", () => {
    const originals = [
      pcap,
      pcapng,
      writePcapng([
        {
          little: false,
          interfaces: [ethernet, { linkType: LINK_RAW, resolution: 0x8a, offsetSeconds: 3 }],
          packets: small.map((frame, i) => ({
            ...frame,
            interface: i % 2,
            block: (["enhanced", "obsolete", "simple"] as const)[i] ?? "enhanced",
          })),
          extras: true,
        },
      ]),
    ];
    const edit = fc.tuple(fc.nat(1000), fc.constantFrom(0, 1, 4, 0x7f, 0x80, 0xff), fc.nat(255));
    fc.assert(
      fc.property(fc.nat(2), fc.array(edit, { maxLength: 8 }), fc.nat(400), (which, edits, cut) => {
        const bytes = (originals[which] as Uint8Array).slice();
        for (const [at, value, mixed] of edits)
          bytes[at % bytes.length] = value === 4 ? mixed : value;
        const damaged = cut < 200 ? bytes.subarray(0, bytes.length - (cut % bytes.length)) : bytes;
        try {
          for (const packet of readCapture(damaged, "fuzz").packets()) {
            expect(packet.offset + packet.length).toBeLessThanOrEqual(damaged.length);
            expect(packet.originalBytes).toBeGreaterThanOrEqual(packet.length);
            expect(Number.isSafeInteger(packet.sinceFirstMs)).toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(CaptureError);
        }
      }),
      { numRuns: 3000, seed: 2 },
    );
  });
});

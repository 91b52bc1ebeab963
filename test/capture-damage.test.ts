import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LINK_ETHERNET, LINK_LINUX_SLL, LINK_RAW } from "../host/netx/link.ts";
import { CaptureError, readCapture } from "../sim/capture.ts";
import { FRAME_BYTES_MAX } from "../sim/capture-packet.ts";
import { framesOf } from "./support/captures.ts";
import {
  createBytes,
  type Frame,
  joinBytes,
  type PcapngInterface,
  writePcap,
  writePcapng,
  writeSimplePcapng,
} from "./support/pcap-writer.ts";

const small: Frame[] = [
  { seconds: 100, nanos: 999_999_000, data: Uint8Array.of(1, 2, 3, 4, 5) },
  { seconds: 101, nanos: 998_000, data: Uint8Array.of(6, 7, 8), originalBytes: 60 },
  { seconds: 101, nanos: 999_000, data: Uint8Array.of(9) },
];
const ethernet: PcapngInterface = { linkType: LINK_ETHERNET };

function read(bytes: Uint8Array): Frame[] {
  return framesOf(readCapture(bytes, "test.pcap"));
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

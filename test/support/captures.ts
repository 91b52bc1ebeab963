/** The labelled captures: `sim/captures/` and `test/fixtures/captures/`, with their truth. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type Capture, readCapture } from "../../sim/capture.ts";
import type { Frame } from "./pcap-writer.ts";
import type { Flow, Fragments } from "./reference-flows.ts";

const root = join(import.meta.dirname, "../..");

/** What is known of a capture, in the form of `picket replay --json` (without `dropped`). */
export interface CaptureTruth {
  readonly description: string;
  /** For `--device`. */
  readonly device: string;
  readonly flows: readonly Flow[];
  readonly fragments: readonly Fragments[];
  readonly activeConnections: { readonly max: number; readonly atEnd: number };
  readonly cloudToDeviceMessages: number | null;
  readonly outboundAddresses: readonly string[];
  readonly listeningPorts: readonly { readonly address: string; readonly port: number }[];
  readonly packets: {
    readonly seen: number;
    readonly notIp: number;
    readonly malformed: number;
    readonly broadcastOrMulticast: number;
    readonly otherHost: number;
  };
}

export interface LabelledCapture {
  readonly name: string;
  /** The file's bytes, unpacked. */
  readonly bytes: Uint8Array;
  readonly truth: CaptureTruth;
}

/** Files by name; those that the demo needs lie in `sim/captures/`. */
const FILES = {
  d1_benign: "sim/captures/d1_benign.pcap",
  d2_portscan: "test/fixtures/captures/d2_portscan.pcap.gz",
  d3_beaconexfil: "sim/captures/d3_beaconexfil.pcap",
  d4_brutemirai: "test/fixtures/captures/d4_brutemirai.pcap.gz",
  d5_floodc2d: "sim/captures/d5_floodc2d.pcap",
  d6_odd: "test/fixtures/captures/d6_odd.pcap.gz",
} as const;

export type CaptureName = keyof typeof FILES;
export const CAPTURE_NAMES = Object.keys(FILES) as readonly CaptureName[];

/** Reads a labelled capture and its truth. */
export function loadCapture(name: CaptureName): LabelledCapture {
  const truth = readFileSync(join(root, `test/fixtures/captures/${name}.json`), "utf8");
  return { name, bytes: loadFile(FILES[name]), truth: JSON.parse(truth) as CaptureTruth };
}

/** Reads a file of the repository, unpacked if its name ends in `.gz`. */
export function loadFile(path: string): Uint8Array {
  const bytes = readFileSync(join(root, path));
  return path.endsWith(".gz") ? gunzipSync(bytes) : bytes;
}

/** Copies of a capture's frames. */
export function framesOf(capture: Capture): Frame[] {
  const frames: Frame[] = [];
  for (const { seconds, nanos, bytes, offset, length, originalBytes } of capture.packets()) {
    frames.push({
      seconds,
      nanos,
      data: new Uint8Array(bytes.subarray(offset, offset + length)),
      originalBytes,
    });
  }
  return frames;
}

/** Frames as lines of text: quick to compare, and a difference is readable. */
export function printFrames(frames: readonly Frame[]): string[] {
  return frames.map(({ seconds, nanos, data, originalBytes = data.length }) => {
    const hex = Buffer.from(data).toString("hex");
    return `${seconds}.${String(nanos).padStart(9, "0")} ${originalBytes} ${hex}`;
  });
}

/** Frames of a labelled capture. */
export function loadFrames(name: CaptureName): Frame[] {
  return framesOf(readCapture(loadCapture(name).bytes, name));
}

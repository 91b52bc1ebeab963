/** Messages of a generated fleet, in Picket's own format, for the benchmark of detection. */
import * as keys from "../wire/picket-keys.ts";

/** Mulberry32: numbers from 0 to below 1. */
export function createRandom(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Writer {
  readonly bytes: number[];
  head(major: number, value: number): void;
  text(bytes: readonly number[]): void;
}

function createWriter(): Writer {
  const bytes: number[] = [];
  const head = (major: number, value: number) => {
    const top = major << 5;
    if (value < 24) bytes.push(top | value);
    else if (value < 0x100) bytes.push(top | 24, value);
    else if (value < 0x10000) bytes.push(top | 25, value >>> 8, value & 255);
    else bytes.push(top | 26, value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
  };
  return {
    bytes,
    head,
    text(part) {
      head(2, part.length);
      bytes.push(...part);
    },
  };
}

/**
 * One device's report: heartbeat, network activity with `flows` flows, connections and
 * cloud-to-device messages; 4 events.
 */
export function fleetMessage(options: {
  readonly device: number;
  readonly round: number;
  readonly timeS: number;
  readonly intervalS: number;
  readonly flows: number;
  readonly random: () => number;
}): Uint8Array {
  const { device, round, timeS, intervalS, flows, random } = options;
  const out = createWriter();
  out.bytes.push(0xd9, 0xd9, 0xf7, 0x9f);
  out.head(0, keys.MESSAGE_VERSION);
  out.text([
    0x70,
    0x69,
    0x63,
    0x6b,
    device >>> 24,
    (device >>> 16) & 255,
    (device >>> 8) & 255,
    device & 255,
  ]);
  out.head(0, 1);
  out.head(0, keys.PRIORITY_HIGH);
  out.head(0, round * 4);
  const start = (kind: number, fields: number) => {
    out.head(4, 3 + fields);
    out.head(0, kind);
    out.head(0, timeS);
    out.head(0, intervalS);
  };
  start(keys.KIND_HEARTBEAT, 0);
  start(keys.KIND_NETWORK_ACTIVITY, 1);
  out.bytes.push(0x9f);
  for (let i = 0; i < flows; i++) writeFlow(out, device, round, i, random);
  out.bytes.push(0xff);
  start(keys.KIND_ACTIVE_CONNECTIONS, 3);
  for (const value of [2, 1, 3]) out.head(0, value);
  start(keys.KIND_CLOUD_TO_DEVICE_MESSAGES, 1);
  out.head(0, Math.floor(random() * 4));
  out.bytes.push(0xff);
  return Uint8Array.from(out.bytes);
}

/** Half of the flows go on from report to report, the others are new each time. */
function writeFlow(
  out: Writer,
  device: number,
  round: number,
  index: number,
  random: () => number,
): void {
  const isFirst = index === 0;
  const flags = keys.INITIATOR_LOCAL | keys.FLOW_REMOTE_ADDRESS | keys.FLOW_LOCAL_PORT;
  out.head(0, flags | (isFirst ? keys.FLOW_LOCAL_ADDRESS | keys.FLOW_REMOTE_PORT : 0));
  if (isFirst) out.text([10, 0, (device >>> 8) & 255, device & 255]);
  out.text([192, 0, 2 + (index & 1), 1 + ((device + index) % 200)]);
  out.head(0, (localPort(round, index) - (isFirst ? 0 : localPort(round, index - 1))) & 0xffff);
  if (isFirst) out.head(0, 8883);
  for (const most of [20, 20, 2000, 2000]) out.head(0, Math.floor(random() * most));
}

function localPort(round: number, index: number): number {
  return index % 2 === 0 ? 40_000 + index : 41_000 + ((round * 7 + index) % 20_000);
}

import { beforeAll, expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import { readCapture } from "../sim/capture.ts";
import { REPLAY_OPTIONS, type ReplayResult, replay } from "../sim/replay.ts";
import { replayText } from "../sim/replay-text.ts";
import { CAPTURE_NAMES, type CaptureTruth, loadCapture, loadFile } from "./support/captures.ts";

let wasm: Uint8Array;

beforeAll(async () => {
  ({ wasm } = await buildCore({ ...REPLAY_OPTIONS }));
});

function run(bytes: Uint8Array, device: string, intervalMs = 10_000): ReplayResult {
  const capture = readCapture(bytes, "capture");
  return replay({ capture, addresses: parseDeviceAddresses(device), wasm, intervalMs });
}

/** Lists as sets: the order in which the agent reports is its own. */
function unordered<T extends Omit<CaptureTruth, "description" | "device">>(result: T): unknown {
  const lines = (list: readonly object[]) =>
    list.map((item) => JSON.stringify(Object.fromEntries(Object.entries(item).sort()))).sort();
  return {
    flows: lines(result.flows),
    fragments: lines(result.fragments),
    listeningPorts: lines(result.listeningPorts),
    outboundAddresses: [...result.outboundAddresses].sort(),
    activeConnections: result.activeConnections,
    cloudToDeviceMessages: result.cloudToDeviceMessages,
    packets: result.packets,
  };
}

const NO_LOSS = {
  ringFull: 0,
  headTooShort: 0,
  flowTableFullIpv4: 0,
  flowTableFullIpv6: 0,
  connectionsForgotten: 0,
  storeFull: 0,
};

it.each(CAPTURE_NAMES)("replay: %s gives its ground truth, whatever the interval", (name) => {
  const { bytes, truth } = loadCapture(name);
  for (const intervalMs of [1000, 10_000, 2 ** 30]) {
    const result = run(bytes, truth.device, intervalMs);
    expect(unordered(result)).toEqual(unordered(truth));
    expect(result.dropped).toMatchObject(NO_LOSS);
  }
});

it("replay: pcapng and pcap of the same packets give the same", () => {
  const { bytes, truth } = loadCapture("d1_benign");
  const pcapng = loadFile("test/fixtures/captures/d1_benign.pcapng.gz");
  expect(run(pcapng, truth.device)).toEqual(run(bytes, truth.device));
});

it("replay: twice gives the same messages, byte for byte", () => {
  const { bytes, truth } = loadCapture("d6_odd");
  const messages = () => {
    const list: string[] = [];
    replay({
      capture: readCapture(bytes, "d6_odd"),
      addresses: parseDeviceAddresses(truth.device),
      wasm,
      intervalMs: 2000,
      onMessage: ({ timeMs, bytes: message }) =>
        list.push(`${timeMs} ${Buffer.from(message).toString("hex")}`),
    });
    return list;
  };
  const first = messages();
  expect(first.length).toBeGreaterThan(3);
  expect(messages()).toEqual(first);
});

it("replay: text shows what the document says", () => {
  const { bytes, truth } = loadCapture("d1_benign");
  const result = run(bytes, truth.device);
  const text = replayText(result);
  expect(text).toContain(`flows                    ${truth.flows.length}\n`);
  expect(text).toContain(`seen ${truth.packets.seen}`);
  for (const flow of truth.flows) expect(text).toContain(flow.remoteAddress);
});

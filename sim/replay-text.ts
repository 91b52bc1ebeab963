/** A replay's result for people. */
import type { ReplayResult } from "./replay.ts";
import { renderTable } from "./table.ts";

export function replayText(result: ReplayResult): string {
  const { packets, dropped, activeConnections } = result;
  const flows = result.flows.map((flow) => [
    flow.protocol,
    endpoint(flow.localAddress, flow.localPort),
    flow.initiator === "local" ? "->" : flow.initiator === "remote" ? "<-" : "--",
    endpoint(flow.remoteAddress, flow.remotePort),
    flow.packetsIn,
    flow.packetsOut,
    flow.bytesIn,
    flow.bytesOut,
  ]);
  const header = ["proto", "local", "", "remote", "pkts in", "out", "bytes in", "out"];
  const messages = result.cloudToDeviceMessages ?? "unknown (the capture is truncated)";
  const listening = result.listeningPorts.map(({ address, port }) => endpoint(address, port));
  const lines = [
    `flows                    ${result.flows.length}`,
    `fragments                ${result.fragments.length} pairs of hosts`,
    `active connections       at most ${activeConnections.max}, at the end ${activeConnections.atEnd}`,
    `cloud-to-device messages ${messages}`,
    `outbound addresses       ${list(result.outboundAddresses)}`,
    `listening ports          ${list(listening)}`,
    `packets                  ${counts(packets)}`,
    `dropped                  ${counts(dropped) || "none"}`,
  ];
  return `${renderTable([header, ...flows])}\n${lines.join("\n")}\n`;
}

function endpoint(address: string, port: number): string {
  if (port === 0) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function list(items: readonly string[]): string {
  return items.length === 0 ? "none" : items.join(", ");
}

/** "seen 579, notIp 16": the counters that are not zero. */
function counts(counters: object): string {
  return Object.entries(counters)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}

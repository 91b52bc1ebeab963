/**
 * Makes `sim/captures/` and `test/fixtures/captures/` from the labelled captures that they stand
 * for: `npx tsx test/support/make-captures.ts DIRECTORY`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readCapture } from "../../sim/capture.ts";
import type { CaptureTruth } from "./captures.ts";
import { type Frame, writePcap } from "./pcap-writer.ts";

const root = join(import.meta.dirname, "../..");
const simFolder = join(root, "sim/captures");
const fixtures = join(root, "test/fixtures/captures");
/** Keeps every header of d3 whole. */
const SNAP_BYTES = 128;

// biome-ignore lint/suspicious/noExplicitAny: the labels' own form, read here only
function truthOf(labels: any): CaptureTruth {
  const { counts, device } = labels;
  const initiators: Record<string, "local" | "remote"> = { out: "local", in: "remote" };
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const traffic = (entry: any) => ({
    packetsIn: entry.packets_in,
    packetsOut: entry.packets_out,
    bytesIn: entry.bytes_in,
    bytesOut: entry.bytes_out,
  });
  return {
    description: labels.description,
    device: device.addresses
      .map((address: string, i: number) =>
        i === 0 ? `${address}/${device.ipv4_prefixlen}` : address,
      )
      .join(","),
    flows: labels.flows
      // biome-ignore lint/suspicious/noExplicitAny: as above
      .filter((flow: any) => flow.cast === "unicast")
      // biome-ignore lint/suspicious/noExplicitAny: as above
      .map((flow: any) => ({
        protocol: flow.protocol,
        localAddress: flow.local_ip,
        localPort: flow.local_port,
        remoteAddress: flow.remote_ip,
        remotePort: flow.remote_port,
        ...traffic(flow),
        initiator: initiators[flow.syn_initiator] ?? flow.syn_initiator,
      })),
    // biome-ignore lint/suspicious/noExplicitAny: as above
    fragments: labels.fragments.map((entry: any) => ({
      protocol: entry.protocol,
      localAddress: entry.local_ip,
      remoteAddress: entry.remote_ip,
      ...traffic(entry),
    })),
    activeConnections: {
      max: labels.tcp_established.max,
      atEnd: labels.tcp_established.at_end,
    },
    cloudToDeviceMessages: labels.mqtt.publish_devicebound_received,
    outboundAddresses: labels.outbound_initiated_ips,
    // biome-ignore lint/suspicious/noExplicitAny: as above
    listeningPorts: labels.listening_answered.map(([address, port]: any) => ({ address, port })),
    packets: {
      seen: counts.frames,
      notIp: counts.arp_frames,
      malformed: 0,
      broadcastOrMulticast:
        counts.ip_broadcast_in +
        counts.ip_broadcast_out +
        counts.ip_multicast_in +
        counts.ip_multicast_out,
      otherHost: counts.other_host_frames ?? 0,
    },
  };
}

/** Readable: one flow a line. */
function format(truth: CaptureTruth): string {
  const lines = Object.entries(truth).map(([key, value]) => {
    if (!Array.isArray(value) || value.length === 0)
      return `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
    return `${JSON.stringify(key)}: [\n${value.map((item) => JSON.stringify(item)).join(",\n")}\n]`;
  });
  return `{\n${lines.join(",\n")}\n}\n`;
}

/** The same capture with at most SNAP_BYTES of each frame. */
function cut(bytes: Uint8Array, name: string): Uint8Array {
  const frames: Frame[] = [];
  for (const packet of readCapture(bytes, name).packets()) {
    const { seconds, nanos, offset, length, originalBytes } = packet;
    frames.push({ seconds, nanos, data: bytes.subarray(offset, offset + length), originalBytes });
  }
  return writePcap(frames, { little: true, nanos: true, linkType: 1, snapBytes: SNAP_BYTES });
}

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error("usage: make-captures.ts DIRECTORY");
const names = [
  "d1_benign",
  "d2_portscan",
  "d3_beaconexfil",
  "d4_brutemirai",
  "d5_floodc2d",
  "d6_odd",
];
for (const name of names) {
  const labels = JSON.parse(readFileSync(join(source, `${name}.json`), "utf8"));
  const truth = truthOf(labels);
  // Cut packets hide messages, as a client cannot know what was in them.
  const isCut = name === "d3_beaconexfil";
  const told = isCut ? { ...truth, cloudToDeviceMessages: null } : truth;
  writeFileSync(join(fixtures, `${name}.json`), format(told));
}
for (const file of ["d1_benign.pcap", "d5_floodc2d.pcap"]) {
  writeFileSync(join(simFolder, file), readFileSync(join(source, file)));
}
const exfiltration = readFileSync(join(source, "d3_beaconexfil.pcap"));
writeFileSync(join(simFolder, "d3_beaconexfil.pcap"), cut(exfiltration, "d3_beaconexfil.pcap"));
for (const file of ["d1_benign.pcapng", "d2_portscan.pcap", "d4_brutemirai.pcap", "d6_odd.pcap"]) {
  const packed = gzipSync(readFileSync(join(source, file)), { level: 9 });
  writeFileSync(join(fixtures, `${file}.gz`), packed);
}

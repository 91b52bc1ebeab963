/** Traffic of scenarios: the kinds, and what each takes. */
import {
  board,
  bytes,
  count,
  described,
  duration,
  every,
  from,
  type Kind,
  probability,
  type Schema,
  text,
  whole,
} from "./schema-parts.ts";

const peer = described(text, "Name of a peer, or an IP address");
const port = whole(0, 65_535);
const jitter = described(probability, "Share of `every` by which the times vary, either way");
/** What every kind takes. */
export const TRAFFIC_COMMON: Readonly<Record<string, Schema>> = {
  board,
  from,
  until: described(duration, "Ends so long after the start of the run"),
};

/** Traffic: what programs on the network and on the device do. */
export const TRAFFIC: Readonly<Record<string, Kind>> = {
  capture: {
    doc: "Packets of a capture (pcap, pcapng), at the capture's own pace",
    fields: { file: text, repeat: whole(1, 100_000) },
    required: ["file"],
  },
  telemetry: {
    doc: "The device publishes over MQTT (QoS 1) on one connection",
    fields: { peer, every, bytes, port, jitter },
    required: ["peer", "every"],
  },
  cloudToDevice: {
    doc: "The broker sends cloud-to-device messages over MQTT",
    fields: { peer, every, count, bytes, port },
    required: ["peer", "every"],
  },
  http: {
    doc: "The device fetches over HTTP, a connection each time",
    fields: { peer, every, bytes, port, jitter },
    required: ["peer", "every"],
  },
  dns: { doc: "The device asks for names", fields: { peer, every }, required: ["peer", "every"] },
  ntp: { doc: "The device asks the time", fields: { peer, every }, required: ["peer", "every"] },
  ping: {
    doc: "Echo requests, answered; `in`: the peer asks",
    fields: { peer, every, bytes, direction: { enum: ["in", "out"] } },
    required: ["peer", "every"],
  },
  broadcast: { doc: "Datagrams to all hosts (IPv4)", fields: { every }, required: ["every"] },
  portScan: {
    doc: "The peer tries ports of the device",
    fields: { peer, every, ports: whole(1, 65_535), style: { enum: ["syn", "fin", "connect"] } },
    required: ["peer"],
  },
  portScanOut: {
    doc: "The device tries ports of the peer",
    fields: { peer, every, ports: whole(1, 65_535) },
    required: ["peer"],
  },
  bruteForce: {
    doc: "The peer tries to sign in at a service of the device, a connection each time",
    fields: { peer, every, count, port },
    required: ["peer"],
  },
  beacon: {
    doc: "The device calls home at regular times, a connection each time",
    fields: { peer, every, bytes, port, jitter },
    required: ["peer"],
  },
  exfiltration: {
    doc: "The device uploads `bytes` to the peer",
    fields: { peer, bytes, port },
    required: ["peer", "bytes"],
  },
  mirai: {
    doc: "The device tries random hosts on a login port",
    fields: { every, count, port },
  },
  connectionFlood: {
    doc: "Connections to one port; `out`: the device floods the peer",
    fields: { peer, every, count, port, direction: { enum: ["in", "out"] } },
    required: ["peer"],
  },
  datagramFlood: {
    doc: "The peer sends datagrams from ever new ports",
    fields: { peer, every, count, port },
    required: ["peer"],
  },
  packetFlood: {
    doc: "The peer sends packets on one flow and gets no answer",
    fields: { peer, every, count, port, bytes },
    required: ["peer"],
  },
  malformed: {
    doc: "Packets with damaged headers, seeded",
    fields: { peer, every, count },
    required: ["peer"],
  },
};

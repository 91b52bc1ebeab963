/** Packets of whole conversations on virtual time, for captures whose content is known. */
import { ACK, FIN, ipPacket, RST, SYN, tcpPacket } from "./packets.ts";
import { type Frame, joinBytes, writePcap, writeSimplePcapng } from "./pcap-writer.ts";

const PUSH = 0x08;
const ETHERNET = 1;
const SEGMENT_BYTES = 1448;
/** Bytes captured of each packet: every header whole. */
const SNAP_BYTES = 160;
const START_S = 1_795_000_000;

export interface Trace {
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
  /** 802.1Q tag of every frame; 0: none. */
  readonly vlan: number;
  readonly frames: { atS: number; data: Uint8Array; originalBytes: number }[];
}

export const whole = (trace: Trace, least: number, most: number) =>
  least + Math.floor(trace.random() * (most - least + 1));
export const between = (trace: Trace, least: number, most: number) =>
  least + trace.random() * (most - least);
export const chance = (trace: Trace, share: number) => trace.random() < share;
export function pick<T>(trace: Trace, items: readonly T[]): T {
  return items[Math.floor(trace.random() * items.length)] as T;
}

/** Puts an IP packet of which `more` further bytes were not captured. */
function put(trace: Trace, atS: number, packet: Uint8Array, more = 0): void {
  if (more > 0) {
    const view = new DataView(packet.buffer, packet.byteOffset);
    const at = packet[0] === 0x45 ? 2 : 4;
    view.setUint16(at, view.getUint16(at) + more);
  }
  const type = packet[0] === 0x45 ? 0x0800 : 0x86dd;
  const tag = trace.vlan > 0 ? [0x81, 0, trace.vlan >> 8, trace.vlan & 255] : [];
  const macs = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
  const data = joinBytes([Uint8Array.of(...macs, ...tag, type >> 8, type & 255), packet]);
  trace.frames.push({ atS, data, originalBytes: data.length + more });
}

const head = (bytes: number) => new Uint8Array(Math.min(bytes, SNAP_BYTES - 94));

export interface Talk {
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
}

/** One TCP segment of `bytes` bytes of data. */
export function segment(trace: Trace, atS: number, talk: Talk, flags: number, bytes = 0): void {
  const payload = head(bytes);
  // The numbers mean nothing beyond handshakes: the core follows those alone.
  const sequence = (flags & SYN) !== 0 ? 1000 : 1001;
  const packet = tcpPacket({ ...talk, flags, sequence, acknowledged: 1001, payload });
  put(trace, atS, packet, bytes - payload.length);
}

export function datagram(trace: Trace, atS: number, talk: Talk, bytes: number): void {
  const payload = head(bytes);
  const header = new Uint8Array(8);
  const view = new DataView(header.buffer);
  view.setUint16(0, talk.fromPort);
  view.setUint16(2, talk.toPort);
  view.setUint16(4, 8 + bytes);
  const packet = ipPacket(talk.from, talk.to, 17, joinBytes([header, payload]));
  put(trace, atS, packet, bytes - payload.length);
}

/** ICMP or ICMPv6 echo request, or its reply. */
export function echo(
  trace: Trace,
  atS: number,
  from: string,
  to: string,
  reply: boolean,
  bytes = 56,
): void {
  const isIpv6 = from.includes(":");
  const body = new Uint8Array(8 + Math.min(bytes, 64));
  body[0] = isIpv6 ? (reply ? 129 : 128) : reply ? 0 : 8;
  put(trace, atS, ipPacket(from, to, isIpv6 ? 58 : 1, body), 8 + bytes - body.length);
}

const back = ({ from, fromPort, to, toPort }: Talk): Talk => ({
  from: to,
  fromPort: toPort,
  to: from,
  toPort: fromPort,
});

export interface Exchange {
  readonly talk: Talk;
  /** Bytes of each request and answer. */
  readonly up: number;
  readonly down: number;
  /** Requests, `gapS` apart; 1 when absent. */
  readonly times?: number;
  readonly gapS?: number;
  /** How it ends; "open": not within the capture. */
  readonly end?: "fin" | "rst" | "open";
  readonly rttS?: number;
  /** Data segments per acknowledgement. */
  readonly ackEvery?: number;
  /** Bytes per second; 2 MB/s when absent. */
  readonly rate?: number;
}

/** A TCP connection with handshake, data and end. @returns when it ended, s */
export function exchange(trace: Trace, atS: number, given: Exchange): number {
  const { talk, times = 1, gapS = 0, end = "fin", rttS = 0.01 } = given;
  const answer = back(talk);
  segment(trace, atS, talk, SYN);
  segment(trace, atS + rttS / 2, answer, SYN | ACK);
  segment(trace, atS + rttS, talk, ACK);
  let now = atS + rttS;
  for (let n = 0; n < times; n++) {
    if (n > 0) now = Math.max(now, atS + n * gapS);
    now = transfer(trace, now, talk, given.up, given);
    now = transfer(trace, now + rttS, answer, given.down, given);
  }
  if (end === "open") return now;
  if (end === "rst") {
    segment(trace, now + rttS, talk, RST | ACK);
    return now + rttS;
  }
  segment(trace, now + rttS, talk, FIN | ACK);
  segment(trace, now + 1.5 * rttS, answer, FIN | ACK);
  segment(trace, now + 2 * rttS, talk, ACK);
  return now + 2 * rttS;
}

/** Data one way with the other side's acknowledgements. */
function transfer(trace: Trace, atS: number, talk: Talk, bytes: number, given: Exchange): number {
  const { ackEvery = 2, rate = 2e6 } = given;
  let now = atS;
  for (let sent = 0, n = 1; sent < bytes; n++) {
    const size = Math.min(SEGMENT_BYTES, bytes - sent);
    segment(trace, now, talk, ACK | PUSH, size);
    sent += size;
    if (n % ackEvery === 0 || sent === bytes) segment(trace, now + 0.0002, back(talk), ACK);
    now += size / rate;
  }
  return now;
}

/** A SYN and what comes of it. */
export function attempt(
  trace: Trace,
  atS: number,
  talk: Talk,
  outcome: "silent" | "refused" | "half-open" | "reset",
): void {
  segment(trace, atS, talk, SYN);
  if (outcome === "silent") {
    if (chance(trace, 0.5)) segment(trace, atS + 1, talk, SYN);
  } else if (outcome === "refused") segment(trace, atS + 0.002, back(talk), RST | ACK);
  else {
    segment(trace, atS + 0.002, back(talk), SYN | ACK);
    if (outcome === "reset") segment(trace, atS + 0.004, talk, RST);
  }
}

/** A question and its answer; `down` 0: none comes. */
export function ask(trace: Trace, atS: number, talk: Talk, up: number, down: number): void {
  datagram(trace, atS, talk, up);
  if (down > 0) datagram(trace, atS + 0.015, back(talk), down);
}

/** The capture in one of the forms that capture programs write. */
export function toCapture(trace: Trace): Uint8Array {
  const sorted = [...trace.frames].sort((a, b) => a.atS - b.atS);
  const frames = sorted.map(({ atS, data, originalBytes }): Frame => {
    const seconds = Math.floor(atS);
    const nanos = Math.floor((atS - seconds) * 1e6) * 1000;
    return { seconds: START_S + seconds, nanos, data, originalBytes };
  });
  const form = whole(trace, 0, 2);
  if (form === 2) return writeSimplePcapng(frames, true, { linkType: ETHERNET });
  return writePcap(frames, { little: true, nanos: form === 1, linkType: ETHERNET });
}

/** A TCP connection as both ends would lead it, packet by packet, on a link without loss. */
import { ACK, type Endpoint, FIN, PSH, RST, SYN, tcpFrame } from "./frame.ts";

/** A frame and when it is on the wire, virtual ms. */
export interface TimedFrame {
  readonly atMs: number;
  readonly frame: Uint8Array;
}

export interface TcpConnection {
  /** SYN, SYN-ACK, ACK. */
  open(atMs: number): TimedFrame[];
  /** Data of one side, in segments, and the other side's acknowledgement. */
  send(atMs: number, from: "client" | "server", data: Uint8Array): TimedFrame[];
  /** FIN both ways. */
  close(atMs: number, from: "client" | "server"): TimedFrame[];
  reset(atMs: number, from: "client" | "server"): TimedFrame[];
}

/** Ethernet's 1,500 bytes less the headers, IPv6's. */
const SEGMENT_BYTES_MAX = 1440;

/**
 * @param start initial sequence numbers of the client and the server
 * @param tripMs from one end to the other, ms
 */
export function createTcpConnection(
  client: Endpoint,
  server: Endpoint,
  start: readonly [number, number],
  tripMs: number,
): TcpConnection {
  const next = { client: start[0], server: start[1] };
  const other = { client: "server", server: "client" } as const;

  function segment(
    atMs: number,
    from: "client" | "server",
    flags: number,
    data?: Uint8Array,
  ): TimedFrame {
    const fields = {
      flags,
      sequence: next[from],
      acknowledged: flags & ACK ? next[other[from]] : 0,
      ...(data ? { data } : {}),
    };
    const [source, target] = from === "client" ? [client, server] : [server, client];
    const frame = tcpFrame(source, target, fields);
    const length = (data?.length ?? 0) + (flags & (SYN | FIN) ? 1 : 0);
    next[from] = (next[from] + length) >>> 0;
    return { atMs, frame };
  }

  return {
    open: (atMs) => [
      segment(atMs, "client", SYN),
      segment(atMs + tripMs, "server", SYN | ACK),
      segment(atMs + 2 * tripMs, "client", ACK),
    ],
    send(atMs, from, data) {
      const frames: TimedFrame[] = [];
      for (let at = 0; at < data.length; at += SEGMENT_BYTES_MAX) {
        const part = data.subarray(at, at + SEGMENT_BYTES_MAX);
        const isLast = at + part.length === data.length;
        frames.push(segment(atMs, from, ACK | (isLast ? PSH : 0), part));
      }
      frames.push(segment(atMs + tripMs, other[from], ACK));
      return frames;
    },
    close: (atMs, from) => [
      segment(atMs, from, FIN | ACK),
      segment(atMs + tripMs, other[from], FIN | ACK),
      segment(atMs + 2 * tripMs, from, ACK),
    ],
    reset: (atMs, from) => [segment(atMs, from, RST | ACK)],
  };
}

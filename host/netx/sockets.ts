/**
 * The sockets of a NetX instance, by the names of its API: told by a scenario through calls, or
 * found in a capture from the packets that the device sends and receives.
 */
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../wire/events.ts";
import { formatAddress } from "./address.ts";
import { DIRECTION_IN, DIRECTION_OUT, type PacketPort } from "./netx.ts";
import { createSegment, FLAG_ACK, FLAG_RST, FLAG_SYN, readSegment } from "./tcp-segment.ts";

/** A port that takes connections or datagrams. */
export interface ListeningSocket {
  /** PROTOCOL_TCP or PROTOCOL_UDP. */
  readonly protocol: number;
  readonly localPort: number;
  /** Own address, or 0.0.0.0 for any. */
  readonly localAddress: string;
}

export interface SocketInfo {
  /** `nx_tcp_info_get`: connections that were opened, ended, refused or broken off. */
  readonly tcp_connections: number;
  readonly tcp_disconnections: number;
  readonly tcp_connections_dropped: number;
  readonly tcp_established: number;
}

export interface Sockets extends PacketPort {
  /** `nx_tcp_server_socket_listen`. @returns false when the port is taken */
  listen(port: number, address?: string): boolean;
  /** `nx_tcp_server_socket_unlisten`. @returns false when nothing listens there */
  unlisten(port: number): boolean;
  /** `nx_udp_socket_bind`. @returns false when the port is taken */
  bind(port: number, address?: string): boolean;
  /** `nx_udp_socket_unbind`. @returns false when nothing is bound there */
  unbind(port: number): boolean;
  /** `nx_tcp_client_socket_connect` or `nx_tcp_server_socket_accept` has succeeded. */
  connect(peer: string): boolean;
  /** `nx_tcp_socket_disconnect`. @returns false when there is no such connection */
  disconnect(peer: string): boolean;
  listening(): readonly ListeningSocket[];
  info(): SocketInfo;
}

const ANY = "0.0.0.0";
/** Connections that are followed at once; the oldest makes room. */
const CONNECTIONS_MAX = 1024;
const PORTS_MAX = 1024;

export function createSockets(): Sockets {
  const ports = new Map<string, ListeningSocket>();
  /** By four-tuple or name: true once established. */
  const connections = new Map<string, boolean>();
  const segment = createSegment();
  const counts = { tcp_connections: 0, tcp_disconnections: 0, tcp_connections_dropped: 0 };

  function open(protocol: number, localPort: number, localAddress: string): boolean {
    const key = `${protocol} ${localPort}`;
    if (ports.has(key) || ports.size >= PORTS_MAX) return false;
    ports.set(key, { protocol, localPort, localAddress });
    return true;
  }

  function connect(key: string): boolean {
    if (connections.get(key)) return false;
    if (connections.size >= CONNECTIONS_MAX) {
      const [oldest] = connections.keys();
      connections.delete(oldest as string);
    }
    connections.set(key, true);
    counts.tcp_connections += 1;
    return true;
  }

  function follow(direction: number): void {
    const { flags, key, keyBytes } = segment;
    const name = Buffer.from(key.buffer, key.byteOffset, keyBytes).toString("hex");
    if (flags & FLAG_RST) {
      if (connections.get(name)) counts.tcp_disconnections += 1;
      else if (connections.has(name)) counts.tcp_connections_dropped += 1;
      connections.delete(name);
    } else if (flags & FLAG_SYN && flags & FLAG_ACK) {
      if (direction === DIRECTION_OUT) openAnswering();
      if (!connections.has(name) && connections.size < CONNECTIONS_MAX)
        connections.set(name, false);
    } else if ((flags & FLAG_SYN) === 0 && connections.get(name) === false) {
      connect(name);
    }
  }

  /** The device answered a SYN: something listens on its port. */
  function openAnswering(): void {
    const { key, keyBytes } = segment;
    const half = (keyBytes - 4) / 2;
    const port = ((key[keyBytes - 4] as number) << 8) | (key[keyBytes - 3] as number);
    open(PROTOCOL_TCP, port, formatAddress(key.subarray(0, half)));
  }

  return {
    listen: (port, address = ANY) => open(PROTOCOL_TCP, port, address),
    unlisten: (port) => ports.delete(`${PROTOCOL_TCP} ${port}`),
    bind: (port, address = ANY) => open(PROTOCOL_UDP, port, address),
    unbind: (port) => ports.delete(`${PROTOCOL_UDP} ${port}`),
    connect,
    disconnect(peer) {
      if (!connections.get(peer)) return false;
      counts.tcp_disconnections += 1;
      return connections.delete(peer);
    },
    listening: () => [...ports.values()],
    info: () => ({
      ...counts,
      tcp_established: [...connections.values()].filter(Boolean).length,
    }),
    offer(direction, bytes, offset, length, originalBytes) {
      if (direction !== DIRECTION_IN && direction !== DIRECTION_OUT) return;
      if (readSegment(direction, bytes, offset, length, originalBytes, segment)) follow(direction);
    },
  };
}

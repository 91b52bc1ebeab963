import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { ServerCertificate } from "./certificates.ts";
import type { HubLimits } from "./options.ts";

/** A listening port whose connections are counted, bounded and closed with it. */
export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

export interface ListenerOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Named in errors, for example "MQTT". */
  readonly what: string;
  /** null: plain TCP. */
  readonly certificate: ServerCertificate | null;
  readonly limits: HubLimits;
  /** False: the address is filtered out; the connection is dropped at once. */
  readonly allows: (remoteAddress: string | null) => boolean;
  /** Call `admitted` once the other end has proved who it is. */
  readonly accept: (stream: Socket | TLSSocket, admitted: () => void) => void;
}

/** The open connections of a port, and which of them have not proved themselves yet. */
export interface Connections {
  add(socket: Socket): void;
  /** @param stream the socket itself or the TLS stream over it */
  admitted(stream: Socket | TLSSocket): void;
  destroyAll(): void;
}

/** @param halfOpenMax when more are waiting, the oldest gives way */
export function trackConnections(halfOpenMax: number): Connections {
  const sockets = new Set<Socket>();
  const halfOpen = new Set<Socket>();
  return {
    add: (socket) => {
      sockets.add(socket);
      halfOpen.add(socket);
      socket.setNoDelay(true);
      socket.on("close", () => {
        sockets.delete(socket);
        halfOpen.delete(socket);
      });
      socket.on("error", () => {}); // The stream's reader is told; a reset is no news.
      // So a flood of silent connections cannot shut others out.
      if (halfOpen.size > halfOpenMax) {
        const [oldest] = halfOpen;
        oldest?.destroy();
      }
    },
    admitted: (stream) => {
      halfOpen.delete(rawSocketOf(stream) ?? stream);
    },
    destroyAll: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** @throws Error of one line when the port is in use or may not be opened */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { limits, accept } = options;
  const connections = trackConnections(limits.halfOpenMax);
  const onTcp = (socket: Socket) => {
    if (options.allows(plainAddress(socket.remoteAddress))) connections.add(socket);
    else socket.destroy();
  };
  const onStream = (stream: Socket | TLSSocket) => {
    if (!stream.destroyed) accept(stream, () => connections.admitted(stream));
  };
  const server = createServer(options, onTcp, onStream);
  server.maxConnections = limits.connectionsMax;
  const port = await listen(server, options);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        connections.destroyAll();
      }),
  };
}

function createServer(
  { certificate, limits }: ListenerOptions,
  onTcp: (socket: Socket) => void,
  onStream: (stream: Socket | TLSSocket) => void,
): Server {
  if (certificate === null) {
    return createTcpServer((socket) => {
      onTcp(socket);
      onStream(socket);
    });
  }
  const tls = createTlsServer(tlsOptions(certificate, limits));
  tls.on("connection", onTcp);
  tls.on("secureConnection", (stream) => {
    stream.on("error", () => {});
    onStream(stream);
  });
  tls.on("tlsClientError", (_error, stream) => stream.destroy());
  return tls;
}

/** Client certificates are asked for and looked at by the hub itself: thumbprints and uploaded
 * CAs decide, not TLS. */
export function tlsOptions(certificate: ServerCertificate, limits: HubLimits) {
  return {
    cert: certificate.certPem,
    key: certificate.keyPem,
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: limits.handshakeTimeoutMs,
    minVersion: "TLSv1.2",
  } as const;
}

/** Address without the IPv6 form of an IPv4 one; null: the peer has gone. */
export function plainAddress(address: string | undefined): string | null {
  return address?.replace(/^::ffff:/i, "") ?? null;
}

function rawSocketOf(stream: Socket | TLSSocket): Socket | undefined {
  return (stream as unknown as { _parent?: Socket })._parent;
}

function listen(server: Server, { host, port, what }: ListenerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(new Error(explain(cause, what, host, port), { cause }));
    });
    server.listen({ host, port }, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/** One line for a port that cannot be opened. */
export function explain(
  error: NodeJS.ErrnoException,
  what: string,
  host: string,
  port: number,
): string {
  if (error.code === "EADDRINUSE") {
    return `${what} port ${port} on ${host} is in use; stop what uses it or choose another port`;
  }
  if (error.code === "EACCES") {
    return `${what} port ${port} on ${host} needs more rights; choose a port above 1023`;
  }
  return `${what} port ${port} on ${host} cannot be opened: ${error.message}`;
}

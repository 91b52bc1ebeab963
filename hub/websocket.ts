import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocketServer } from "ws";
import { plainAddress } from "./listener.ts";

/** What a WebSocket carries, told apart by its sub-protocol. */
export interface WebSocketRoute {
  readonly path: string;
  readonly protocol: string;
  readonly accept: (stream: Duplex, request: IncomingMessage, address: string | null) => void;
}

export interface WebSocketOptions {
  readonly routes: readonly WebSocketRoute[];
  readonly allows: (address: string | null) => boolean;
  readonly payloadBytesMax: number;
}

/** Serves WebSocket upgrades on an HTTPS server; other paths and protocols get 404. */
export function serveWebSockets(server: Server, options: WebSocketOptions): () => void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.payloadBytesMax,
    perMessageDeflate: false,
    handleProtocols: (offered) =>
      options.routes.find(({ protocol }) => [...offered].includes(protocol))?.protocol ?? false,
  });
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const path = (request.url ?? "").split("?")[0];
    const offered = (request.headers["sec-websocket-protocol"] ?? "")
      .split(",")
      .map((name) => name.trim());
    const route = options.routes.find(
      (known) => known.path === path && offered.includes(known.protocol),
    );
    const address = plainAddress(request.socket.remoteAddress);
    if (route === undefined || !options.allows(address)) {
      socket.end(`HTTP/1.1 ${route === undefined ? "404 Not Found" : "403 Forbidden"}\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const stream = createWebSocketStream(webSocket);
      stream.on("error", () => {}); // A reset is told to the reader as its end.
      route.accept(stream, request, address);
    });
  };
  server.on("upgrade", onUpgrade);
  return () => {
    server.off("upgrade", onUpgrade);
    for (const client of sockets.clients) client.terminate();
    sockets.close();
  };
}

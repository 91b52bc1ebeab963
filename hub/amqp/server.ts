import type { Duplex } from "node:stream";
import rhea from "rhea";
import type { HubCore } from "../core.ts";
import { acceptC2d, serveFeedback } from "./c2d.ts";
import { type Claims, createClaims } from "./cbs.ts";
import { ENTITY, manage, partitionOfAddress, servePartition, startOfFilter } from "./event-hub.ts";
import { createOwners, ownerLevel } from "./owners.ts";
import type {
  AmqpRefusal,
  Connection,
  EventContext,
  Message,
  Receiver,
  Sender,
  Terminus,
} from "./types.ts";

/** AMQP 1.0 for services: claims, cloud-to-device messages, feedback, telemetry. */
export interface AmqpServer {
  accept(stream: Duplex, remoteAddress: string | null, admitted: () => void): void;
  close(): void;
}

const FRAME_BYTES_MAX = 65_536;
const PENDING_BYTES_MAX = 4 * FRAME_BYTES_MAX;
/** Bytes a connection may send before it has put a token. */
const UNPROVEN_BYTES_MAX = 256 * 1024;
const IDLE_MS = 240_000;
const LINKS_MAX = 256;
const TOKEN_DEADLINE_MS = 30_000;
const C2D_ADDRESS = "/messages/devicebound";
const FEEDBACK_ADDRESS = "/messages/servicebound/feedback";
const MESSAGE_CREDIT = 100;

/** Parts of rhea's connection that its types leave out. */
interface Internals {
  readonly remote_channel_map: Readonly<Record<number, unknown>>;
  readonly previous_input?: Buffer;
  [method: string]: unknown;
}

interface State {
  readonly claims: Claims;
  readonly admitted: () => void;
  readonly repliers: Map<string, Sender[]>;
  links: number;
}

export function createAmqpServer(core: HubCore): AmqpServer {
  const container = rhea.create_container({ id: core.hostName });
  const owners = createOwners();
  const connections = new Map<Connection, { stream: Duplex; state: State }>();
  const stateOf = (context: EventContext) => connections.get(context.connection)?.state;

  const refuseLink = (link: Sender | Receiver, refusal: AmqpRefusal) => {
    link.close({ ...refusal });
  };
  const isAllowed = (state: State, address: string) =>
    state.claims.allows("ServiceConnect", address);
  const unauthorized: AmqpRefusal = {
    condition: "amqp:unauthorized-access",
    description: "put a token of a policy with ServiceConnect on $cbs first",
  };
  const unknown: AmqpRefusal = { condition: "amqp:not-found", description: "no such address" };

  container.on("sender_open", (context: EventContext) => {
    const sender = context.sender as Sender;
    const state = stateOf(context);
    if (state === undefined) return;
    const source = sender.source as Terminus;
    const address = source.address ?? "";
    sender.set_source({ address, filter: source.filter } as never);
    sender.set_target(sender.target as never);
    state.links += 1;
    if (state.links > LINKS_MAX) {
      refuseLink(sender, { condition: "amqp:resource-limit-exceeded", description: "links" });
    } else if (address === "$cbs") remember(state, "$cbs", sender);
    else if (address === "$management" || address === `${ENTITY}/$management`) {
      remember(state, "$management", sender);
    } else openSource(state, sender, address, source.filter);
  });

  function openSource(state: State, sender: Sender, address: string, filter: unknown) {
    if (address.toLowerCase() === FEEDBACK_ADDRESS) {
      if (isAllowed(state, FEEDBACK_ADDRESS)) serveFeedback(core, sender);
      else refuseLink(sender, unauthorized);
      return;
    }
    const partition = partitionOfAddress(address, core.partitions);
    if (partition === null) return refuseLink(sender, unknown);
    if (!isAllowed(state, `/${address.replace(/^\//, "")}`))
      return refuseLink(sender, unauthorized);
    const level = ownerLevel((sender as unknown as { properties?: unknown }).properties);
    if (!owners.admit(address.toLowerCase(), sender, level)) {
      return refuseLink(sender, { condition: "amqp:link:stolen", description: "is owned" });
    }
    servePartition(core, sender, partition, startOfFilter(filter));
  }

  container.on("receiver_open", (context: EventContext) => {
    const receiver = context.receiver as Receiver;
    const state = stateOf(context);
    if (state === undefined) return;
    const address = (receiver.target as Terminus).address ?? "";
    receiver.set_target({ address } as never);
    receiver.set_source(receiver.source as never);
    state.links += 1;
    const known = ["$cbs", "$management", C2D_ADDRESS].includes(address.toLowerCase());
    if (state.links > LINKS_MAX) {
      refuseLink(receiver, { condition: "amqp:resource-limit-exceeded", description: "links" });
    } else if (!known) refuseLink(receiver, unknown);
    else if (address !== "$cbs" && !isAllowed(state, pathOf(address))) {
      refuseLink(receiver, unauthorized);
    } else receiver.add_credit(MESSAGE_CREDIT);
  });

  container.on("message", (context: EventContext) => {
    const { message, delivery } = context;
    const receiver = context.receiver as Receiver;
    const state = stateOf(context);
    if (state === undefined || message === undefined || delivery === undefined) return;
    const address = ((receiver.target as Terminus).address ?? "").toLowerCase();
    receiver.add_credit(1);
    if (address === "$cbs") {
      const { status, description } = state.claims.put(message);
      if (status === 200) state.admitted();
      delivery.accept();
      reply(state, "$cbs", message, {
        correlation_id: message.message_id,
        application_properties: {
          "status-code": rhea.types.wrap_int(status),
          "status-description": description,
        },
        body: "",
      } as unknown as Message);
    } else if (address === "$management") {
      delivery.accept();
      reply(state, "$management", message, manage(core, message));
    } else if (isAllowed(state, C2D_ADDRESS)) {
      void acceptC2d(core, message, delivery);
    } else delivery.reject({ ...unauthorized });
  });

  const gone = (context: EventContext) => {
    connections.delete(context.connection);
  };
  container.on("disconnected", gone);
  container.on("connection_close", gone);
  // Errors of one connection end it; they are its own, and none may reach the process.
  for (const name of ["error", "connection_error", "session_error", "protocol_error"]) {
    container.on(name, () => {});
  }
  for (const name of ["sender_error", "receiver_error"]) container.on(name, () => {});

  const accept = (stream: Duplex, remoteAddress: string | null, admitted: () => void) => {
    const connection = container.create_connection({
      max_frame_size: FRAME_BYTES_MAX,
      idle_time_out: IDLE_MS,
      autoaccept: false,
      credit_window: 0,
      reconnect: false,
    } as never);
    const claims = createClaims(core, remoteAddress);
    const state: State = { claims, admitted, repliers: new Map(), links: 0 };
    connections.set(connection, { stream, state });
    tolerateLateFrames(connection as unknown as Internals);
    bound(stream, connection as unknown as Internals, claims);
    (connection as unknown as { accept(stream: Duplex): void }).accept(stream);
    const deadline = setTimeout(() => {
      if (!claims.hasToken) stream.destroy();
    }, TOKEN_DEADLINE_MS);
    stream.on("close", () => {
      clearTimeout(deadline);
      connections.delete(connection);
    });
  };
  return {
    accept,
    close: () => {
      for (const { stream } of connections.values()) stream.destroy();
      connections.clear();
    },
  };
}

function pathOf(address: string): string {
  return address === "$management" ? `/${ENTITY}/$management` : address.toLowerCase();
}

function remember(state: State, node: string, sender: Sender): void {
  const known = state.repliers.get(node) ?? [];
  state.repliers.set(node, [...known.filter((other) => other.is_open()), sender]);
}

/** Sends to the link that the request names for its answer, or the node's last one. */
function reply(state: State, node: string, request: Message, answer: Message): void {
  const open = (state.repliers.get(node) ?? []).filter((sender) => sender.is_open());
  const named = open.find(
    (sender) => (sender.target as Terminus | undefined)?.address === request.reply_to,
  );
  const sender = named ?? open.at(-1);
  if (sender === undefined) return;
  try {
    // Without credit the library keeps the answer until the client gives some, up to a limit.
    sender.send({ ...answer, to: request.reply_to } as never);
  } catch {
    sender.connection.close({ condition: "amqp:resource-limit-exceeded" } as never);
  }
}

/**
 * A client that ends a session may still have frames under way for it (`@azure/event-hubs` does).
 * rhea takes that for a violation and drops the connection; here such frames are let go.
 */
function tolerateLateFrames(connection: Internals): void {
  for (const name of ["on_disposition", "on_flow", "on_transfer", "on_detach"]) {
    const handle = connection[name] as (frame: { channel: number }) => void;
    connection[name] = (frame: { channel: number }) => {
      if (connection.remote_channel_map[frame.channel]) handle.call(connection, frame);
    };
  }
}

/** Bounds what a connection can make the library collect. */
function bound(stream: Duplex, connection: Internals, claims: Claims): void {
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    const pending = connection.previous_input?.length ?? 0;
    if (pending > PENDING_BYTES_MAX || (!claims.hasToken && bytes > UNPROVEN_BYTES_MAX)) {
      stream.destroy();
    }
  });
}

import type { Clock } from "../clock.ts";
import { formatBag } from "../mqtt/bag.ts";
import type { DeviceService, DeviceSession } from "../mqtt/device-session.ts";
import { deviceboundTopic } from "../mqtt/topics.ts";
import type { OperationsLog } from "../operations.ts";
import type { C2dMessage, C2dQueues } from "./queue.ts";

/** Packets in flight on one connection: packet id to the message's sequence number. */
interface InFlight {
  readonly byPacket: Map<number, number>;
  readonly sent: Set<number>;
  nextPacketId: number;
}

const PACKET_ID_MAX = 65_535;

export interface C2dServicePorts {
  readonly queues: C2dQueues;
  readonly clock: Clock;
  readonly operations: OperationsLog;
  readonly sessionOf: (key: string) => DeviceSession | undefined;
}

/**
 * Delivers waiting messages to connected devices. PUBACK completes a message; what was not
 * acknowledged when the connection ended is delivered again on the next one.
 */
export function createC2dService(ports: C2dServicePorts): DeviceService {
  const { queues, clock, sessionOf, operations } = ports;
  const inFlight = new WeakMap<DeviceSession, InFlight>();

  const deliverAll = (session: DeviceSession) => {
    if (session.moduleId !== null) return;
    const topic = deviceboundTopic(session);
    const qos = session.connection.grantedQos(`${topic}/#`);
    if (qos === null) return;
    queues.expire();
    for (const message of [...queues.waiting(session.deviceId)]) {
      if (!deliver(session, message, `${topic}/`, qos)) return;
    }
  };

  function deliver(session: DeviceSession, message: C2dMessage, topic: string, qos: 0 | 1) {
    const state = inFlight.get(session) ?? {
      byPacket: new Map(),
      sent: new Set(),
      nextPacketId: 1,
    };
    inFlight.set(session, state);
    if (state.sent.has(message.sequenceNumber)) return true;
    const body = Buffer.from(message.bodyBase64, "base64");
    const path = topic + formatBag(bagOf(message));
    if (qos === 0) {
      if (!session.connection.send(path, body)) return false;
      recordDelivery(session, message);
      queues.settle(message.deviceId, message.sequenceNumber, "Success");
      return true;
    }
    const packetId = state.nextPacketId;
    state.nextPacketId = packetId === PACKET_ID_MAX ? 1 : packetId + 1;
    state.byPacket.set(packetId, message.sequenceNumber);
    state.sent.add(message.sequenceNumber);
    if (!session.connection.send(path, body, 1, packetId)) return false;
    recordDelivery(session, message);
    return true;
  }
  function recordDelivery(session: DeviceSession, message: C2dMessage) {
    operations.record({
      category: "C2DCommands",
      operationName: "c2dDeliver",
      deviceId: message.deviceId,
      protocol: session.transport,
      callerAddress: session.remoteAddress,
      properties: { messageId: message.messageId },
    });
  }

  queues.onSent((message) => {
    const session = sessionOf(message.deviceId);
    if (session !== undefined && message.expiresMs > clock.now()) deliverAll(session);
  });
  return {
    connected: deliverAll,
    subscribed: deliverAll,
    acknowledged: (session, packetId) => {
      const state = inFlight.get(session);
      const sequenceNumber = state?.byPacket.get(packetId);
      if (state === undefined || sequenceNumber === undefined) return;
      state.byPacket.delete(packetId);
      state.sent.delete(sequenceNumber);
      queues.settle(session.deviceId, sequenceNumber, "Success");
    },
  };
}

function* bagOf(message: C2dMessage): Iterable<readonly [string, string]> {
  yield ["$.mid", message.messageId];
  yield ["$.to", `/devices/${message.deviceId}/messages/devicebound`];
  if (message.correlationId !== null) yield ["$.cid", message.correlationId];
  if (message.userId !== null) yield ["$.uid", message.userId];
  if (message.contentType !== null) yield ["$.ct", message.contentType];
  if (message.contentEncoding !== null) yield ["$.ce", message.contentEncoding];
  if (message.hasExpiry) yield ["$.exp", new Date(message.expiresMs).toISOString()];
  if (message.ack !== "none") yield ["iothub-ack", message.ack];
  yield* Object.entries(message.properties);
}

/** What a device and its network do on a normal day. */
import * as packets from "../net/frame.ts";
import * as payload from "../net/payload.ts";
import { createTcpConnection, type TcpConnection, type TimedFrame } from "../net/tcp.ts";
import { type Batches, sequences, TRIP_MS, type TrafficContext, times } from "./context.ts";

const MQTT_PORT = 1883;
const NAMES = ["hub.example.net", "time.example.net", "updates.example.net"];
const ANSWER = Uint8Array.of(192, 0, 2, 10);
const KEEP_ALIVE_S = 240;

/** An MQTT session is opened and, with a topic, subscribed. */
function openMqtt(
  context: TrafficContext,
  atMs: number,
  topic?: string,
): { connection: TcpConnection; frames: TimedFrame[]; readyMs: number } {
  const { random, entry, deviceId } = context;
  const client = context.device(context.localPort());
  const server = context.peer(entry.port ?? MQTT_PORT);
  const connection = createTcpConnection(client, server, sequences(random), TRIP_MS);
  const step = 3 * TRIP_MS;
  const frames = [
    ...connection.open(atMs),
    ...connection.send(atMs + step, "client", payload.mqttConnect(deviceId, KEEP_ALIVE_S)),
    ...connection.send(atMs + 2 * step, "server", payload.mqttConnack()),
  ];
  if (topic !== undefined) {
    const subscribe = payload.mqttSubscribe(1, topic);
    frames.push(...connection.send(atMs + 3 * step, "client", subscribe));
    frames.push(...connection.send(atMs + 4 * step, "server", payload.mqttSuback(1)));
  }
  return { connection, frames, readyMs: atMs + 5 * step };
}

export function* telemetry(context: TrafficContext): Batches {
  const topic = `devices/${context.deviceId}/messages/events/`;
  const data = payload.filler(context.entry.bytes ?? 120);
  const { connection, frames, readyMs } = openMqtt(context, context.fromMs);
  yield frames;
  let id = 0;
  for (const atMs of times(context, "10s")) {
    id = (id % 65_535) + 1;
    const sentMs = Math.max(atMs, readyMs);
    yield [
      ...connection.send(sentMs, "client", payload.mqttPublish(id, topic, data)),
      ...connection.send(sentMs + 2 * TRIP_MS, "server", payload.mqttPuback(id)),
    ];
  }
}

/** Messages that the broker sends to the device. */
export function* cloudToDevice(context: TrafficContext): Batches {
  const topic = `devices/${context.deviceId}/messages/devicebound/`;
  const data = payload.filler(context.entry.bytes ?? 40);
  const { connection, frames, readyMs } = openMqtt(context, context.fromMs, `${topic}#`);
  yield frames;
  let id = 0;
  for (const atMs of times(context, "1m")) {
    id = (id % 65_535) + 1;
    const sentMs = Math.max(atMs, readyMs);
    yield [
      ...connection.send(sentMs, "server", payload.mqttPublish(id, topic, data)),
      ...connection.send(sentMs + 2 * TRIP_MS, "client", payload.mqttPuback(id)),
    ];
  }
}

export function* http(context: TrafficContext): Batches {
  const { random, entry } = context;
  for (const atMs of times(context, "1m")) {
    const client = context.device(context.localPort());
    const server = context.peer(entry.port ?? 80);
    const connection = createTcpConnection(client, server, sequences(random), TRIP_MS);
    const request = payload.httpRequest("updates.example.net", "/v1/status");
    const answer = payload.httpAnswer(entry.bytes ?? 400);
    yield [
      ...connection.open(atMs),
      ...connection.send(atMs + 3 * TRIP_MS, "client", request),
      ...connection.send(atMs + 6 * TRIP_MS, "server", answer),
      ...connection.close(atMs + 9 * TRIP_MS, "server"),
    ];
  }
}

export function* dns(context: TrafficContext): Batches {
  for (const atMs of times(context, "5m")) {
    const [client, server] = [context.device(context.localPort()), context.peer(53)];
    const id = context.random.below(65_536);
    const name = context.random.pick(NAMES);
    const question = packets.udpFrame(client, server, payload.dnsMessage(id, name));
    const answer = packets.udpFrame(server, client, payload.dnsMessage(id, name, ANSWER));
    yield [
      { atMs, frame: question },
      { atMs: atMs + 2 * TRIP_MS, frame: answer },
    ];
  }
}

export function* ntp(context: TrafficContext): Batches {
  for (const atMs of times(context, "1h")) {
    const [client, server] = [context.device(123), context.peer(123)];
    const seconds = context.startWallS + Math.floor(atMs / 1000);
    const ask = packets.udpFrame(client, server, payload.ntpMessage(false, seconds));
    const tell = packets.udpFrame(server, client, payload.ntpMessage(true, seconds));
    yield [
      { atMs, frame: ask },
      { atMs: atMs + 2 * TRIP_MS, frame: tell },
    ];
  }
}

export function* ping(context: TrafficContext): Batches {
  const { entry } = context;
  const [device, peer] = [context.device(0).address, context.peer(0).address];
  const [from, to] = entry.direction === "in" ? [peer, device] : [device, peer];
  let sequence = 0;
  for (const atMs of times(context, "10s")) {
    sequence++;
    const bytes = entry.bytes ?? 32;
    yield [
      { atMs, frame: packets.echoFrame(from, to, false, sequence, bytes) },
      { atMs: atMs + 2 * TRIP_MS, frame: packets.echoFrame(to, from, true, sequence, bytes) },
    ];
  }
}

/** Someone on the network announces itself to all (DHCP's ports); no flow of the device. */
export function* broadcast(context: TrafficContext): Batches {
  const from = packets.endpoint("10.20.0.77", 68);
  const to = packets.endpoint("255.255.255.255", 67);
  for (const atMs of times(context, "30s")) {
    yield [{ atMs, frame: packets.udpFrame(from, to, payload.filler(300)) }];
  }
}

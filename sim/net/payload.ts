/** Application data that simulated programs exchange: MQTT 3.1.1, DNS, NTP, HTTP. */

const encoder = new TextEncoder();

/** An MQTT packet (OASIS 3.1.1, 2.2): type and flags, remaining length, body. */
function mqtt(first: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  let left = body.length;
  do {
    length.push((left & 127) | (left > 127 ? 128 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Uint8Array.of(first, ...length), body]);
}

function field(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  return Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes]);
}

export function mqttConnect(clientId: string, keepAliveS: number): Uint8Array {
  const flags = Uint8Array.of(4, 2, keepAliveS >> 8, keepAliveS & 255);
  return mqtt(0x10, field("MQTT"), flags, field(clientId));
}

export function mqttConnack(): Uint8Array {
  return mqtt(0x20, Uint8Array.of(0, 0));
}

export function mqttSubscribe(id: number, topic: string): Uint8Array {
  return mqtt(0x82, Uint8Array.of(id >> 8, id & 255), field(topic), Uint8Array.of(1));
}

export function mqttSuback(id: number): Uint8Array {
  return mqtt(0x90, Uint8Array.of(id >> 8, id & 255, 1));
}

/** A PUBLISH with QoS 1. */
export function mqttPublish(id: number, topic: string, payload: Uint8Array): Uint8Array {
  return mqtt(0x32, field(topic), Uint8Array.of(id >> 8, id & 255), payload);
}

export function mqttPuback(id: number): Uint8Array {
  return mqtt(0x40, Uint8Array.of(id >> 8, id & 255));
}

/** A query for an A record, or its answer (RFC 1035 4.1). */
export function dnsMessage(id: number, name: string, answer?: Uint8Array): Uint8Array {
  const labels = name.split(".").flatMap((label) => {
    const bytes = encoder.encode(label.slice(0, 63));
    return [bytes.length, ...bytes];
  });
  const flags = answer ? [0x81, 0x80] : [0x01, 0x00];
  const counts = [0, 1, 0, answer ? 1 : 0, 0, 0, 0, 0];
  const question = [...labels, 0, 0, 1, 0, 1];
  const record = answer ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, answer.length, ...answer] : [];
  return Uint8Array.of(id >> 8, id & 255, ...flags, ...counts, ...question, ...record);
}

/** RFC 5905 7.3: mode 3 asks, mode 4 answers; the time is `seconds` since 1970. */
export function ntpMessage(isAnswer: boolean, seconds: number): Uint8Array {
  const bytes = new Uint8Array(48);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, isAnswer ? 0x24 : 0x23);
  view.setUint8(1, isAnswer ? 2 : 0);
  view.setUint32(40, (seconds + 2_208_988_800) >>> 0);
  return bytes;
}

export function httpRequest(host: string, path: string): Uint8Array {
  return encoder.encode(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
}

export function httpAnswer(bodyBytes: number): Uint8Array {
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${bodyBytes}\r\nConnection: close\r\n\r\n`;
  return Buffer.concat([encoder.encode(head), filler(bodyBytes)]);
}

/** Printable bytes without meaning. */
export function filler(bytes: number): Uint8Array {
  const data = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) data[i] = 97 + (i % 26);
  return data;
}

/** Twin documents made to hurt: deep, long, doubled, cut, of wrong types, and nearly right. */
import type { Prng } from "./prng.ts";

const OBJECT = "ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration";
const KEYS = [
  "highPriorityMessageFrequency",
  "lowPriorityMessageFrequency",
  "snapshotFrequency",
  "maxLocalCacheSizeInBytes",
  "maxMessageSizeInBytes",
  "eventPriorityLogin",
  "eventPriorityHeartbeat",
  "aggregationEnabledProcessCreate",
  "__proto__",
  "",
];
const VALUES = [
  '"PT0S"',
  '"P99999999999D"',
  '"PT5"',
  "-1",
  "1e999",
  "123456789012345678901234567890",
  "null",
  "[]",
  "{}",
  '"\\ud800"',
  '"Off"',
  "true",
];

/** One document; `bytesMax` bounds the long ones. */
export function hostileTwin(random: Prng, bytesMax: number): Uint8Array {
  const encoder = new TextEncoder();
  const value = () => `{"value":${random.pick(VALUES)}}`;
  const pairs = (count: number) =>
    Array.from({ length: count }, () => `${JSON.stringify(random.pick(KEYS))}:${value()}`).join();
  const whole = (inner: string) =>
    `{"desired":{"${OBJECT}":{${inner}},"$version":${random.next()}}}`;
  switch (random.below(7)) {
    case 0: {
      const depth = Math.min(5000, bytesMax >> 1);
      return encoder.encode(`{"desired":${"[".repeat(depth)}${"]".repeat(depth)}}`);
    }
    case 1:
      return encoder.encode(whole(`"${"k".repeat(bytesMax)}":{"value":1}`));
    case 2:
      return encoder.encode(whole(`"snapshotFrequency":{"value":"${"9".repeat(bytesMax)}"}`));
    case 3: {
      const text = encoder.encode(whole(pairs(20)));
      return text.slice(0, random.below(text.length));
    }
    case 4: {
      const text = encoder.encode(whole(pairs(10)));
      for (let i = 0; i < 8; i++) text[random.below(text.length)] = random.below(256);
      return text;
    }
    case 5:
      return encoder.encode(whole(pairs(Math.min(2000, bytesMax >> 6))));
    default:
      return encoder.encode(whole(pairs(3)));
  }
}

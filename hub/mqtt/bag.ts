/** Text to text; null: the name stood without `=`. */
export type Properties = Readonly<Record<string, string | null>>;

/** Bag key to Event Hubs system property name. Source: Azure IoT Hub message format. */
const SYSTEM_PROPERTIES: Readonly<Record<string, string>> = {
  "$.mid": "message-id",
  "$.cid": "correlation-id",
  "$.uid": "user-id",
  "$.to": "to",
  "$.ct": "content-type",
  "$.ce": "content-encoding",
  "$.exp": "absolute-expiry-time",
  "$.ctime": "iothub-creation-time-utc",
  "$.ifid": "iothub-interface-id",
  "$.sub": "dt-subject",
  "$.on": "iothub-output-name",
  "$.schema": "iothub-message-schema",
};
/** Only a hub may say these: from a device they are dropped. */
const HUB_ONLY = new Set(["$.cdid", "$.cmid"]);

export interface Bag {
  readonly system: Readonly<Record<string, string>>;
  readonly application: Properties;
}

/**
 * Reads the property bag of a telemetry topic: `name=value&…`, percent-encoded. Text that is no
 * valid percent-encoding is taken as it stands.
 */
export function parseBag(text: string): Bag {
  // No prototype: `__proto__` is a name like any other.
  const system: Record<string, string> = Object.create(null);
  const application: Record<string, string | null> = Object.create(null);
  const from = text.startsWith("?") ? 1 : 0;
  const to = text.endsWith("/") ? text.length - 1 : text.length;
  if (from >= to) return { system, application };
  for (const part of text.slice(from, to).split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = decode(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? null : decode(part.slice(equals + 1));
    if (HUB_ONLY.has(name)) continue;
    const systemName = SYSTEM_PROPERTIES[name];
    if (systemName === undefined) application[name] = value;
    else system[systemName] = value ?? "";
  }
  return { system, application };
}

/** Writes a bag; every character beyond the unreserved is percent-encoded. */
export function formatBag(entries: Iterable<readonly [string, string | null]>): string {
  const parts: string[] = [];
  for (const [name, value] of entries) {
    parts.push(value === null ? encode(name) : `${encode(name)}=${encode(value)}`);
  }
  return parts.join("&");
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function decode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

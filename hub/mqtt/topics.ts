import type { IdentityRef } from "../ids.ts";

/** What an identity may publish; everything else closes the connection. */
export type PublishTopic =
  | { readonly kind: "telemetry"; readonly bag: string }
  | { readonly kind: "twinGet"; readonly rid: string }
  | { readonly kind: "twinPatch"; readonly rid: string }
  | { readonly kind: "methodResult"; readonly status: number; readonly rid: string };

export const TWIN_RESPONSES = "$iothub/twin/res/#";
export const TWIN_DESIRED = "$iothub/twin/PATCH/properties/desired/#";
export const METHODS = "$iothub/methods/POST/#";

const RID_CHARS_MAX = 256;
const METHOD_RESULT = /^\$iothub\/methods\/res\/(-?\d{1,10})\/\?(.*)$/;

/** `devices/d/messages/events` or the module's: the start of the identity's own event topics. */
export function eventsTopic(ref: IdentityRef): string {
  return `${ownTopic(ref)}/messages/events`;
}

/** `devices/d/messages/devicebound`; modules have none. */
export function deviceboundTopic(ref: IdentityRef): string | null {
  return ref.moduleId === null ? `${ownTopic(ref)}/messages/devicebound` : null;
}

/** Topic filters the identity may subscribe to; nothing reaches another's topics. */
export function allowedFilters(ref: IdentityRef): readonly string[] {
  const devicebound = deviceboundTopic(ref);
  const own = devicebound === null ? `${ownTopic(ref)}/inputs/#` : `${devicebound}/#`;
  return [own, TWIN_RESPONSES, TWIN_DESIRED, METHODS];
}

/**
 * Takes a published topic apart; null: not this identity's to publish to.
 *
 * @param events `eventsTopic` of the publisher
 */
export function parsePublishTopic(topic: string, events: string): PublishTopic | null {
  if (topic.startsWith(events)) {
    if (topic.length === events.length) return { kind: "telemetry", bag: "" };
    if (topic.charAt(events.length) !== "/") return null;
    return { kind: "telemetry", bag: topic.slice(events.length + 1) };
  }
  const twinGet = afterPrefix(topic, "$iothub/twin/GET/?");
  if (twinGet !== null) return withRid(twinGet, (rid) => ({ kind: "twinGet", rid }));
  const twinPatch = afterPrefix(topic, "$iothub/twin/PATCH/properties/reported/?");
  if (twinPatch !== null) return withRid(twinPatch, (rid) => ({ kind: "twinPatch", rid }));
  const result = METHOD_RESULT.exec(topic);
  if (result === null) return null;
  const status = Number(result[1]);
  return withRid(result[2] ?? "", (rid) => ({ kind: "methodResult", status, rid }));
}

function ownTopic(ref: IdentityRef): string {
  const device = `devices/${ref.deviceId}`;
  return ref.moduleId === null ? device : `${device}/modules/${ref.moduleId}`;
}

function afterPrefix(topic: string, prefix: string): string | null {
  return topic.startsWith(prefix) ? topic.slice(prefix.length) : null;
}

/** Finds `$rid=` among the query's fields; the value is opaque and echoed as sent. */
function withRid(query: string, make: (rid: string) => PublishTopic): PublishTopic | null {
  for (const field of query.split("&")) {
    if (!field.startsWith("$rid=")) continue;
    const rid = field.slice("$rid=".length);
    return rid === "" || rid.length > RID_CHARS_MAX ? null : make(rid);
  }
  return null;
}

/**
 * Names of hosts against the feeds. Our own agent reports addresses alone; what else sends JSON 1.0
 * may name the host of a payload item in its ExtraDetails.
 */
import type { SecurityEvent } from "../wire/events.ts";
import { splitDetailKey } from "../wire/json1-details.ts";
import { parseAddress } from "./address.ts";
import { raise, type Turn } from "./turn.ts";

/** Details that name a host, in lower case. */
const HOST_DETAILS = new Set([
  "dnsname",
  "domain",
  "domainname",
  "host",
  "hostname",
  "remotehost",
  "remotehostname",
  "url",
]);
const NAME_CHARS_MAX = 253;

export function checkNames(turn: Turn, event: SecurityEvent): void {
  const { intel } = turn.settings;
  if (!intel || !event.extraDetails) return;
  for (const [key, text] of Object.entries(event.extraDetails)) {
    const { name } = splitDetailKey(key, event.payload.length);
    if (!HOST_DETAILS.has(name.toLowerCase())) continue;
    const host = hostOf(text);
    const isName = parseAddress(host) === 0;
    const match = isName ? intel.domain(host) : intel.address(host);
    if (!match) continue;
    raise(turn, {
      type: isName ? "IoT_MaliciousNameQueriesDetection" : "IoT_TiConnection",
      rule: "ThreatIntelligence",
      cause: host,
      value: host,
      range: { expected: `no host on ${match.feed}` },
      explanation:
        `${event.name} names ${host} in ${name.slice(0, 64)}, ` +
        `which feed ${match.feed} lists as ${match.indicator}`,
    });
  }
}

/** The host of a URL, of "host:port", or the text itself. */
function hostOf(text: string): string {
  const start = text.trim().slice(0, 2048);
  if (start.includes("://")) {
    return URL.canParse(start) ? new URL(start).hostname.replace(/^\[|\]$/g, "") : "";
  }
  return (start.split("/")[0] ?? "")
    .replace(/^([^:]*):\d{1,5}$/, "$1")
    .toLowerCase()
    .slice(0, NAME_CHARS_MAX);
}

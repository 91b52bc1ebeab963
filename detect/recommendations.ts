/** Recommendations: what is wrong with the setup now, from devices' states and the hub's facts. */
import type { Severity } from "./alerts.ts";
import { stableId } from "./alerts.ts";
import { catalogueEntry } from "./catalogue.ts";
import { DEFAULT_GROUP } from "./groups.ts";
import type { MessageSizes, Posture } from "./posture.ts";
import type { DeviceState } from "./state.ts";
import { checkTwin } from "./twin-checks.ts";

/** What a hub tells of itself; a part that is null is not known, and nothing is said of it. */
export interface HubFacts {
  readonly hubName: string;
  readonly credentials:
    | readonly { readonly deviceId: string; readonly fingerprint: string }[]
    | null;
  /** In the order in which the hub applies them; documented as `networkRuleSets.ipRules`. */
  readonly ipFilter:
    | readonly {
        readonly filterName: string;
        readonly action: "Accept" | "Reject";
        readonly ipMask: string;
      }[]
    | null;
  readonly operationsLogKept: boolean | null;
  /** Addresses that devices connected from, successfully. */
  readonly connections: readonly { readonly deviceId: string; readonly address: string }[] | null;
  readonly moduleTwins:
    | readonly {
        readonly deviceId: string;
        readonly group: string;
        readonly desired: Readonly<Record<string, unknown>>;
      }[]
    | null;
  readonly tls:
    | readonly { readonly deviceId: string; readonly version: string; readonly cipher: string }[]
    | null;
}

export interface RecommendationFinding {
  readonly type: string;
  /** null: it concerns the hub. */
  readonly deviceId: string | null;
  /** Plain JSON: what exactly. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Recommendation extends RecommendationFinding {
  readonly id: string;
  readonly displayName: string;
  readonly severity: Severity;
  readonly description: string;
  readonly remediation: string;
  readonly state: "Active" | "Healthy";
  /** ISO 8601. */
  readonly firstTime: string;
  readonly changedTime: string;
}

/** An allow rule over so many bits or fewer is too wide. */
export const WIDE_BITS = { ipv4: 8, ipv6: 32 } as const;
/** Share of small messages from which they are worth a recommendation. */
const SMALL_SHARE = 0.1;
/** Addresses that a learned list may have. */
const IP_RULES_MAX = 16;

export function deviceFindings(state: DeviceState): RecommendationFinding[] {
  const posture = (state.memory.posture ?? {}) as Posture;
  const { deviceId } = state;
  const found: RecommendationFinding[] = [];
  const list = (type: string, name: string, items: readonly string[] | undefined) => {
    if (items && items.length > 0) found.push({ type, deviceId, details: { [name]: items } });
  };
  const ports = new Set([...(posture.listening ?? []), ...(posture.answered ?? [])]);
  list("IoT_OpenPorts", "ports", [...ports]);
  list("IoT_PermissiveFirewallPolicy", "rules", posture.policies);
  list("IoT_PermissiveInputFirewallRules", "rules", posture.wideIn);
  list("IoT_PermissiveOutputFirewallRules", "rules", posture.wideOut);
  list("IoT_Baseline", "checks", posture.failedChecks);
  list("Picket_TwinConfigurationNotOptimal", "settings", posture.notOptimal);
  list("Picket_TwinConfigurationConflict", "settings", posture.conflicts);
  const sizes = state.memory.sizes as MessageSizes | undefined;
  const { lastTotal = 0, lastSmall = 0 } = sizes ?? {};
  if (lastTotal > 0 && lastSmall / lastTotal >= SMALL_SHARE) {
    const details = { messages: lastTotal, under4KB: lastSmall };
    found.push({ type: "Picket_AgentSendsUnutilizedMessages", deviceId, details });
  }
  return found;
}

export function hubFindings(facts: HubFacts): RecommendationFinding[] {
  return [
    ...sharedCredentials(facts),
    ...ipFilter(facts),
    ...learnedIpRules(facts),
    ...twins(facts),
    ...weakTls(facts),
    ...(facts.operationsLogKept === false
      ? [{ type: "Picket_EnableDiagnosticsLogs", deviceId: null, details: {} }]
      : []),
  ];
}

function sharedCredentials({ credentials }: HubFacts): RecommendationFinding[] {
  const holders = new Map<string, Set<string>>();
  for (const { deviceId, fingerprint } of credentials ?? []) {
    const set = holders.get(fingerprint) ?? new Set();
    holders.set(fingerprint, set.add(deviceId));
  }
  const found: RecommendationFinding[] = [];
  for (const devices of holders.values()) {
    if (devices.size < 2) continue;
    const others = [...devices].sort();
    for (const deviceId of others) {
      found.push({
        type: "IoT_SharedCredentials",
        deviceId,
        details: { devices: others.slice(0, 16) },
      });
    }
  }
  return found;
}

function ipFilter({ ipFilter: rules }: HubFacts): RecommendationFinding[] {
  if (!rules) return [];
  const found: RecommendationFinding[] = [];
  const last = rules.at(-1);
  if (last?.action !== "Reject" || bitsOf(last.ipMask) !== 0) {
    found.push({ type: "IoT_IPFilter_DenyAll", deviceId: null, details: { rules: rules.length } });
  }
  for (const { filterName, action, ipMask } of rules) {
    const limit = ipMask.includes(":") ? WIDE_BITS.ipv6 : WIDE_BITS.ipv4;
    if (action !== "Accept" || bitsOf(ipMask) > limit) continue;
    found.push({
      type: "IoT_IPFilter_PermissiveRule",
      deviceId: null,
      details: { filterName, ipMask },
    });
  }
  return found;
}

function bitsOf(mask: string): number {
  const slash = mask.indexOf("/");
  return slash < 0 ? (mask.includes(":") ? 128 : 32) : Number(mask.slice(slash + 1));
}

/** Proposes the networks that devices come from, when they are few and nothing limits them. */
function learnedIpRules({ connections, ipFilter: rules }: HubFacts): RecommendationFinding[] {
  if (!connections || connections.length === 0 || !rules || rules.length > 0) return [];
  const networks = [...new Set(connections.map(({ address }) => networkOf(address)))].sort();
  if (networks.length > IP_RULES_MAX) return [];
  const proposed = networks.map((ipMask) => ({ action: "Accept", ipMask }));
  const details = { rules: [...proposed, { action: "Reject", ipMask: "0.0.0.0/0" }] };
  return [{ type: "IoT_RecommendedIpRulesByBaseLine", deviceId: null, details }];
}

function networkOf(address: string): string {
  if (!address.includes(":")) return `${address.split(".").slice(0, 3).join(".")}.0/24`;
  return `${address.split("::")[0]?.split(":").slice(0, 3).join(":")}::/48`;
}

function twins({ moduleTwins }: HubFacts): RecommendationFinding[] {
  const found: RecommendationFinding[] = [];
  const groups = new Map<string, Map<string, string[]>>();
  for (const { deviceId, group, desired } of moduleTwins ?? []) {
    const { conflicts, notOptimal } = checkTwin(desired);
    if (conflicts.length > 0) {
      found.push({
        type: "Picket_TwinConfigurationConflict",
        deviceId,
        details: { settings: conflicts },
      });
    }
    if (notOptimal.length > 0) {
      found.push({
        type: "Picket_TwinConfigurationNotOptimal",
        deviceId,
        details: { settings: notOptimal },
      });
    }
    const variants = groups.get(group) ?? new Map<string, string[]>();
    groups.set(group, variants);
    const key = JSON.stringify(sorted(desired));
    variants.set(key, [...(variants.get(key) ?? []), deviceId]);
  }
  for (const [group, variants] of groups) {
    if (variants.size < 2) continue;
    const [usual, ...others] = [...variants.values()].sort((a, b) => b.length - a.length);
    for (const deviceId of others.flat()) {
      const details = { group: group || DEFAULT_GROUP, like: usual?.slice(0, 4) };
      found.push({ type: "IoT_InconsistentModuleSettings", deviceId, details });
    }
  }
  return found;
}

function sorted(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([key]) => !key.startsWith("$"));
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]);
}

function weakTls({ tls }: HubFacts): RecommendationFinding[] {
  return (tls ?? [])
    .filter(
      ({ version, cipher }) =>
        !/^TLSv1\.[23]$/.test(version) || /RC4|3DES|DES-CBC|NULL|EXPORT|MD5/i.test(cipher),
    )
    .map(({ deviceId, version, cipher }) => ({
      type: "IoT_VulnerableTLSCipherSuite",
      deviceId,
      details: { version, cipher },
    }));
}

export interface Recommendations {
  /** Holds findings against what was active: new ones become active, gone ones healthy. */
  update(findings: readonly RecommendationFinding[], nowMs: number): Recommendation[];
  all(): readonly Recommendation[];
  restore(recommendations: readonly Recommendation[]): void;
}

export function createRecommendations(): Recommendations {
  const known = new Map<string, Recommendation>();
  return {
    all: () => [...known.values()],
    restore(recommendations) {
      for (const item of recommendations) known.set(item.id, item);
    },
    update(findings, nowMs) {
      const time = new Date(nowMs).toISOString();
      const current = new Map(findings.map((finding) => [idOf(finding), finding]));
      const changed: Recommendation[] = [];
      for (const [id, finding] of current) {
        const before = known.get(id);
        const isSame = JSON.stringify(before?.details) === JSON.stringify(finding.details);
        if (before?.state === "Active" && isSame) continue;
        changed.push(recommendationOf(id, finding, before?.firstTime ?? time, time));
      }
      for (const [id, item] of known) {
        if (item.state === "Active" && !current.has(id)) {
          changed.push({ ...item, state: "Healthy", changedTime: time });
        }
      }
      for (const item of changed) known.set(item.id, item);
      return changed;
    },
  };
}

function idOf({ type, deviceId, details }: RecommendationFinding): string {
  // Rules of the IP filter are told apart by name; elsewhere one is enough for a device.
  return stableId(type, deviceId ?? "", String(details.filterName ?? ""));
}

function recommendationOf(
  id: string,
  finding: RecommendationFinding,
  firstTime: string,
  changedTime: string,
): Recommendation {
  const { name, severity, description, remediation } = catalogueEntry(finding.type);
  const texts = { displayName: name, severity, description, remediation };
  return { ...finding, id, ...texts, state: "Active", firstTime, changedTime };
}

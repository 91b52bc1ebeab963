/** What a detection runs with: groups, suppressions, threat intelligence, limits. */
import {
  BEHAVIOURS,
  type Behaviour,
  type BehaviourName,
  type BehaviourSettings,
} from "./behaviours.ts";
import { type CompiledGroup, compileGroup } from "./compiled-group.ts";
import type { CustomRule } from "./custom-rule-schema.ts";
import { compileRule } from "./custom-rules.ts";
import { DEFAULT_GROUP, parseGroup, type SecurityGroup } from "./groups.ts";

/** Keeps alerts back until a time; what is left out matches everything. */
export interface Suppression {
  readonly type?: string;
  readonly rule?: string;
  readonly deviceId?: string;
  readonly group?: string;
  readonly cause?: string;
  readonly untilMs: number;
}

/** Where an address or a name stands on a feed. */
export interface IntelMatch {
  readonly feed: string;
  /** The prefix or domain of the feed that matched. */
  readonly indicator: string;
}

export interface IntelLookup {
  address(text: string): IntelMatch | null;
  domain(name: string): IntelMatch | null;
}

export interface DetectionOptions {
  /** Devices whose group is not among them have the one called "default", or none. */
  readonly groups?: readonly SecurityGroup[];
  readonly rules?: readonly CustomRule[];
  readonly suppressions?: readonly Suppression[];
  readonly intel?: IntelLookup;
  /** Heartbeats missed before a device is silent. Default 3. */
  readonly silentHeartbeats?: number;
  /** Silence when the device told no heartbeat interval, ms. Default 72 h. */
  readonly silentMs?: number;
  /** Event times so far ahead of arrival are replaced by it, ms. Default one day. */
  readonly aheadMs?: number;
  /** Learning time before learned ranges and new destinations raise alerts, ms. Default 3 h. */
  readonly warmUpMs?: number;
  /** Other limits for built-in behaviours. */
  readonly behaviours?: { readonly [N in BehaviourName]?: Partial<Behaviour> };
}

/** Groups kept compiled; a twin's tag may name anything. */
const GROUPS_MAX = 1000;

export interface DetectionSettings {
  readonly groupOf: (name: string) => CompiledGroup;
  readonly suppressions: readonly Suppression[];
  readonly intel: IntelLookup | null;
  readonly silentHeartbeats: number;
  readonly silentMs: number;
  readonly aheadMs: number;
  readonly warmUpMs: number;
  readonly behaviours: BehaviourSettings;
}

/** Compiles options once; the result is only read from then on. */
export function compileSettings(options: DetectionOptions): DetectionSettings {
  const rules = (options.rules ?? []).filter(({ enabled }) => enabled !== false).map(compileRule);
  const groups = new Map<string, CompiledGroup>();
  for (const group of options.groups ?? []) groups.set(group.name, compileGroup(group, rules));
  const plain = options.groups?.find(({ name }) => name === DEFAULT_GROUP);
  const groupOf = (name: string): CompiledGroup => {
    let group = groups.get(name);
    if (!group) {
      // A group that nobody described has the default's ranges, and the custom rules named for it.
      const described = plain ?? parseGroup(DEFAULT_GROUP, { properties: {} });
      group = compileGroup({ ...described, name }, rules);
      if (groups.size < GROUPS_MAX) groups.set(name, group);
    }
    return group;
  };
  return {
    groupOf,
    suppressions: options.suppressions ?? [],
    intel: options.intel ?? null,
    silentHeartbeats: options.silentHeartbeats ?? 3,
    silentMs: options.silentMs ?? 72 * 3_600_000,
    aheadMs: options.aheadMs ?? 86_400_000,
    warmUpMs: options.warmUpMs ?? 3 * 3_600_000,
    behaviours: compileBehaviours(options.behaviours ?? {}),
  };
}

function compileBehaviours(
  changes: NonNullable<DetectionOptions["behaviours"]>,
): BehaviourSettings {
  const names = Object.keys(BEHAVIOURS) as BehaviourName[];
  const list = names.map((name) => [name, { ...BEHAVIOURS[name], ...changes[name] }]);
  return Object.fromEntries(list) as BehaviourSettings;
}

/** What a detection runs with: groups, suppressions, threat intelligence, limits. */
import { type CompiledGroup, compileGroup } from "./compiled-group.ts";
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
  readonly suppressions?: readonly Suppression[];
  readonly intel?: IntelLookup;
  /** Heartbeats missed before a device is silent. Default 3. */
  readonly silentHeartbeats?: number;
  /** Silence when the device told no heartbeat interval, ms. Default 72 h. */
  readonly silentMs?: number;
  /** Event times so far ahead of arrival are replaced by it, ms. Default one day. */
  readonly aheadMs?: number;
}

export interface DetectionSettings {
  readonly groupOf: (name: string) => CompiledGroup;
  readonly suppressions: readonly Suppression[];
  readonly intel: IntelLookup | null;
  readonly silentHeartbeats: number;
  readonly silentMs: number;
  readonly aheadMs: number;
}

/** Compiles options once; the result is only read from then on. */
export function compileSettings(options: DetectionOptions): DetectionSettings {
  const groups = new Map((options.groups ?? []).map((group) => [group.name, compileGroup(group)]));
  const fallback =
    groups.get(DEFAULT_GROUP) ?? compileGroup(parseGroup(DEFAULT_GROUP, { properties: {} }));
  return {
    groupOf: (name) => groups.get(name) ?? fallback,
    suppressions: options.suppressions ?? [],
    intel: options.intel ?? null,
    silentHeartbeats: options.silentHeartbeats ?? 3,
    silentMs: options.silentMs ?? 72 * 3_600_000,
    aheadMs: options.aheadMs ?? 86_400_000,
  };
}

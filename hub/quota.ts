import type { Clock } from "./clock.ts";
import type { IdentityRef } from "./ids.ts";
import type { Store } from "./store.ts";

/** Messages of one device on one day (UTC), in billed units of 4 KB. */
export interface QuotaRecord {
  readonly deviceId: string;
  /** `2026-11-20`. */
  readonly day: string;
  /** Telemetry, security messages not among them. */
  readonly messages: number;
  readonly units: number;
  readonly securityMessages: number;
  readonly securityUnits: number;
  readonly c2dMessages: number;
  readonly c2dUnits: number;
}

export type QuotaKind = "telemetry" | "security" | "c2d";

export interface Quota {
  /** @param ref the same object for the same source, as far as can be */
  count(ref: IdentityRef, kind: QuotaKind, bytes: number): void;
  /** Of one day, or all that are kept. */
  records(day: string | null): readonly QuotaRecord[];
  /** Writes what has changed since the last time and forgets old days. */
  save(): void;
}

export const UNIT_BYTES = 4096;
const DAYS_KEPT = 31;
const DAY_MS = 86_400_000;

/** Counts by device and day; kept in memory between saves, so a message costs no write. */
export function createQuota(store: Store, clock: Clock): Quota {
  const table = store.collection<QuotaRecord>("quota");
  const entries = new Map<string, Entry>();
  /** Spares looking up by text for every message: sources stay the same for a connection. */
  const byRef = new WeakMap<IdentityRef, Entry>();
  let day = "";
  let dayEndsMs = 0;

  const today = () => {
    const nowMs = clock.now();
    if (nowMs < dayEndsMs && nowMs >= dayEndsMs - DAY_MS) return day;
    day = new Date(nowMs).toISOString().slice(0, 10);
    dayEndsMs = (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS;
    return day;
  };
  const open = (ref: IdentityRef) => {
    const key = `${day}/${ref.deviceId}`;
    const record = { ...(table.get(key) ?? emptyRecord(ref.deviceId, day)) };
    const entry = entries.get(key) ?? { key, record, isChanged: false };
    entries.set(key, entry);
    byRef.set(ref, entry);
    return entry;
  };
  const count = (ref: IdentityRef, kind: QuotaKind, bytes: number) => {
    const now = today();
    const known = byRef.get(ref);
    const entry = known?.record.day === now ? known : open(ref);
    const { record } = entry;
    entry.isChanged = true;
    const units = Math.max(1, Math.ceil(bytes / UNIT_BYTES));
    if (kind === "telemetry") {
      record.messages += 1;
      record.units += units;
    } else if (kind === "security") {
      record.securityMessages += 1;
      record.securityUnits += units;
    } else {
      record.c2dMessages += 1;
      record.c2dUnits += units;
    }
  };
  const save = () => {
    for (const [key, entry] of entries) {
      if (entry.isChanged) table.put(key, { ...entry.record });
      entry.isChanged = false;
      if (entry.record.day !== day) entries.delete(key);
    }
    const oldest = new Date(clock.now() - DAYS_KEPT * DAY_MS).toISOString().slice(0, 10);
    for (const key of table.keys()) if (key < oldest) table.delete(key);
  };
  const records = (of: string | null) => {
    const all = new Map<string, QuotaRecord>();
    for (const record of table.values()) all.set(`${record.day}/${record.deviceId}`, record);
    for (const [key, { record }] of entries) all.set(key, { ...record });
    return [...all.values()].filter((record) => of === null || record.day === of);
  };
  return { count, records, save };
}

interface Entry {
  readonly key: string;
  readonly record: { -readonly [K in keyof QuotaRecord]: QuotaRecord[K] };
  isChanged: boolean;
}

function emptyRecord(deviceId: string, day: string): QuotaRecord {
  return {
    deviceId,
    day,
    messages: 0,
    units: 0,
    securityMessages: 0,
    securityUnits: 0,
    c2dMessages: 0,
    c2dUnits: 0,
  };
}

import type { Clock } from "../clock.ts";
import { refuse } from "../errors.ts";
import { makeEtag, type Registry } from "../identity.ts";
import { type IdentityRef, identityKey } from "../ids.ts";
import type { Store } from "../store.ts";
import {
  checkSection,
  checkSize,
  isObject,
  type JsonObject,
  type Metadata,
  merge,
  mergeMetadata,
  withoutNulls,
} from "./document.ts";

export interface TwinSection {
  readonly values: JsonObject;
  readonly metadata: Metadata;
  readonly version: number;
}

/** A twin as it is kept; replaced as a whole on every change. */
export interface Twin {
  readonly etag: string;
  /** Counts every update of any section. */
  readonly version: number;
  readonly tags: JsonObject;
  readonly desired: TwinSection;
  readonly reported: TwinSection;
}

export interface TwinChange {
  readonly ref: IdentityRef;
  readonly section: "desired" | "reported" | "tags";
  readonly version: number;
  /** What a connected device is told: the patch, or the whole section after a replacement. */
  readonly patch: JsonObject;
  readonly by: "service" | "device";
}

export interface Twins {
  /** @throws HubError 404 */
  get(ref: IdentityRef): Twin;
  /** @returns the new `$version` of the reported section. @throws HubError 400, 404 */
  patchReported(ref: IdentityRef, patch: unknown): number;
  /** @param body `{tags?, properties?: {desired?}}`. @throws HubError 400, 404, 412 */
  patch(ref: IdentityRef, body: unknown, etag: string): Twin;
  /** Replaces the sections that the body has. @throws HubError 400, 404, 412 */
  replace(ref: IdentityRef, body: unknown, etag: string): Twin;
  onChange(listener: (change: TwinChange) => void): void;
}

export interface TwinPorts {
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
}

const EMPTY: JsonObject = {};

export function createTwins({ store, registry, clock }: TwinPorts): Twins {
  const twins = store.collection<Twin>("twins");
  const listeners: ((change: TwinChange) => void)[] = [];
  registry.onChange((event, identity) => {
    if (event === "deleted") twins.delete(identityKey(identity));
    if (event === "created") twins.put(identityKey(identity), emptyTwin(clock.now()));
  });

  const get = (ref: IdentityRef): Twin => {
    const identity = registry.require(ref);
    return twins.get(identityKey(ref)) ?? emptyTwin(identity.createdMs);
  };
  const patchReported = (ref: IdentityRef, body: unknown) => {
    const twin = get(ref);
    const patch = checkSection("reported", body);
    const reported = apply(twin.reported, patch, merge(twin.reported.values, patch), true);
    checkSize("reported", reported.values);
    twins.put(identityKey(ref), { ...twin, reported, version: twin.version + 1 });
    notify({ ref, section: "reported", version: reported.version, patch, by: "device" });
    return reported.version;
  };
  const update = (ref: IdentityRef, body: unknown, etag: string, isMerge: boolean) => {
    const twin = get(ref);
    if (etag !== "*" && etag !== twin.etag) throw refuse.etag();
    const given = sectionsOf(body);
    let next: Twin = { ...twin, version: twin.version + 1, etag: makeEtag() };
    const changes: TwinChange[] = [];
    if (given.tags !== undefined) {
      const patch = checkSection("tags", given.tags);
      const tags = isMerge ? merge(twin.tags, patch) : withoutNulls(patch);
      checkSize("tags", tags);
      next = { ...next, tags };
      changes.push({ ref, section: "tags", version: next.version, patch, by: "service" });
    }
    if (given.desired !== undefined) {
      const patch = checkSection("desired", given.desired);
      const values = isMerge ? merge(twin.desired.values, patch) : withoutNulls(patch);
      checkSize("desired", values);
      const desired = apply(twin.desired, patch, values, isMerge);
      next = { ...next, desired };
      const told = isMerge ? patch : values;
      const { version } = desired;
      changes.push({ ref, section: "desired", version, patch: told, by: "service" });
    }
    twins.put(identityKey(ref), next);
    for (const change of changes) notify(change);
    return next;
  };

  function apply(
    before: TwinSection,
    patch: JsonObject,
    values: JsonObject,
    isMerge: boolean,
  ): TwinSection {
    const time = new Date(clock.now()).toISOString();
    const metadata = mergeMetadata(isMerge ? before.metadata : undefined, patch, time);
    return { values, metadata, version: before.version + 1 };
  }
  function notify(change: TwinChange) {
    for (const listener of listeners) listener(change);
  }
  return {
    get,
    patchReported,
    patch: (ref, body, etag) => update(ref, body, etag, true),
    replace: (ref, body, etag) => update(ref, body, etag, false),
    onChange: (listener) => {
      listeners.push(listener);
    },
  };
}

function emptyTwin(nowMs: number): Twin {
  const metadata = { $lastUpdated: new Date(nowMs).toISOString() };
  const section = { values: EMPTY, metadata, version: 1 };
  return { etag: makeEtag(), version: 1, tags: EMPTY, desired: section, reported: section };
}

function sectionsOf(body: unknown): { tags?: unknown; desired?: unknown } {
  if (!isObject(body)) throw refuse.argument("a twin update must be a JSON object");
  const { tags, properties } = body;
  if (properties !== undefined && !isObject(properties)) {
    throw refuse.argument("properties must be a JSON object");
  }
  return { tags: tags ?? undefined, desired: properties?.desired ?? undefined };
}

import { randomBytes, randomUUID } from "node:crypto";
import type { Clock } from "./clock.ts";
import { HubError, refuse } from "./errors.ts";
import { type IdentityRef, identityKey, isId } from "./ids.ts";
import { isKey, makeKey } from "./policies.ts";
import type { Store } from "./store.ts";

export type AuthenticationType = "sas" | "selfSigned" | "certificateAuthority" | "none";

export interface Authentication {
  readonly type: AuthenticationType;
  readonly symmetricKey: { readonly primaryKey: string; readonly secondaryKey: string } | null;
  readonly x509Thumbprint: {
    readonly primaryThumbprint: string | null;
    readonly secondaryThumbprint: string | null;
  } | null;
}

/** A device or module as the registry keeps it; replaced as a whole on every change. */
export interface Identity extends IdentityRef {
  readonly generationId: string;
  readonly etag: string;
  readonly status: "enabled" | "disabled";
  readonly statusReason: string | null;
  readonly statusUpdatedMs: number;
  readonly authentication: Authentication;
  readonly iotEdge: boolean;
  readonly managedBy: string | null;
  readonly createdMs: number;
}

/** What a caller may set; absent: kept, or the default for a new identity. */
export interface IdentityInput {
  readonly status?: "enabled" | "disabled";
  readonly statusReason?: string | null;
  readonly authentication?: AuthenticationInput;
  readonly iotEdge?: boolean;
  readonly managedBy?: string | null;
}

export interface AuthenticationInput {
  readonly type?: AuthenticationType;
  readonly primaryKey?: string | null;
  readonly secondaryKey?: string | null;
  readonly primaryThumbprint?: string | null;
  readonly secondaryThumbprint?: string | null;
}

export type IdentityEvent = "created" | "updated" | "deleted";
export type IdentityListener = (event: IdentityEvent, identity: Identity) => void;

export interface Registry {
  get(ref: IdentityRef): Identity | undefined;
  /** @throws HubError 404 */
  require(ref: IdentityRef): Identity;
  /** @throws HubError 400, 404 (module without device), 409, 413 */
  create(ref: IdentityRef, input: IdentityInput): Identity;
  /** @param etag must match unless `"*"`; @throws HubError 400, 404, 412 */
  update(ref: IdentityRef, input: IdentityInput, etag: string): Identity;
  /** A device takes its modules with it. @throws HubError 404, 412 */
  remove(ref: IdentityRef, etag: string): void;
  devices(): Iterable<Identity>;
  modules(): Iterable<Identity>;
  modulesOf(deviceId: string): readonly Identity[];
  readonly deviceCount: number;
  onChange(listener: IdentityListener): void;
}

export interface RegistryPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly modulesMax: number;
}

/** A short opaque version text, as Azure's etags: base64, without quotes. */
export function makeEtag(): string {
  return Buffer.from(randomBytes(6).toString("hex")).toString("base64");
}

export function createRegistry({ store, clock, modulesMax }: RegistryPorts): Registry {
  const devices = store.collection<Identity>("devices");
  const modules = store.collection<Identity>("modules");
  const moduleKeys = new Map<string, Set<string>>();
  const listeners: IdentityListener[] = [];
  for (const module of modules.values()) indexModule(moduleKeys, module);

  const tableOf = (ref: IdentityRef) => (ref.moduleId === null ? devices : modules);
  const get = (ref: IdentityRef) => tableOf(ref).get(identityKey(ref));
  const notify = (event: IdentityEvent, identity: Identity) => {
    for (const listener of listeners) listener(event, identity);
  };
  const requireIdentity = (ref: IdentityRef) => {
    const found = get(ref);
    if (found !== undefined) return found;
    if (ref.moduleId === null || !devices.has(ref.deviceId)) {
      throw refuse.deviceNotFound(ref.deviceId);
    }
    throw refuse.moduleNotFound(ref.deviceId, ref.moduleId);
  };
  const modulesOf = (deviceId: string) =>
    [...(moduleKeys.get(deviceId) ?? [])].flatMap((key) => modules.get(key) ?? []);

  const create = (ref: IdentityRef, input: IdentityInput) => {
    if (!isId(ref.deviceId) || (ref.moduleId !== null && !isId(ref.moduleId))) {
      throw refuse.argument(`Invalid id '${identityKey(ref).slice(0, 300)}'`);
    }
    if (get(ref) !== undefined) throw alreadyExists(ref);
    if (ref.moduleId !== null) {
      requireIdentity({ deviceId: ref.deviceId, moduleId: null });
      if ((moduleKeys.get(ref.deviceId)?.size ?? 0) >= modulesMax) {
        const most = `at most ${modulesMax} modules per device`;
        throw new HubError(413, 413003, "TooManyModulesOnDevice", most);
      }
    }
    const identity: Identity = {
      deviceId: ref.deviceId,
      moduleId: ref.moduleId,
      generationId: `${clock.now()}${randomBytes(2).readUInt16BE(0)}`,
      etag: makeEtag(),
      status: input.status ?? "enabled",
      statusReason: input.statusReason ?? null,
      statusUpdatedMs: clock.now(),
      authentication: resolveAuthentication(input.authentication ?? {}, null),
      iotEdge: input.iotEdge ?? false,
      managedBy: input.managedBy ?? null,
      createdMs: clock.now(),
    };
    tableOf(ref).put(identityKey(ref), identity);
    if (ref.moduleId !== null) indexModule(moduleKeys, identity);
    notify("created", identity);
    return identity;
  };
  const update = (ref: IdentityRef, input: IdentityInput, etag: string) => {
    const before = requireIdentity(ref);
    if (etag !== "*" && etag !== before.etag) throw refuse.etag();
    const status = input.status ?? before.status;
    const after: Identity = {
      ...before,
      etag: makeEtag(),
      status,
      statusReason: input.statusReason === undefined ? before.statusReason : input.statusReason,
      statusUpdatedMs: status === before.status ? before.statusUpdatedMs : clock.now(),
      authentication: resolveAuthentication(input.authentication ?? {}, before.authentication),
      iotEdge: input.iotEdge ?? before.iotEdge,
      managedBy: input.managedBy === undefined ? before.managedBy : input.managedBy,
    };
    tableOf(ref).put(identityKey(ref), after);
    notify("updated", after);
    return after;
  };
  const remove = (ref: IdentityRef, etag: string) => {
    const identity = requireIdentity(ref);
    if (etag !== "*" && etag !== identity.etag) throw refuse.etag();
    if (ref.moduleId === null) {
      for (const module of modulesOf(ref.deviceId)) remove(module, "*");
      moduleKeys.delete(ref.deviceId);
    }
    tableOf(ref).delete(identityKey(ref));
    moduleKeys.get(ref.deviceId)?.delete(identityKey(ref));
    notify("deleted", identity);
  };
  return {
    get,
    require: requireIdentity,
    create,
    update,
    remove,
    devices: () => devices.values(),
    modules: () => modules.values(),
    modulesOf,
    get deviceCount() {
      return devices.size;
    },
    onChange: (listener) => listeners.push(listener),
  };
}

function indexModule(index: Map<string, Set<string>>, module: Identity): void {
  const keys = index.get(module.deviceId) ?? new Set();
  keys.add(identityKey(module));
  index.set(module.deviceId, keys);
}

function alreadyExists(ref: IdentityRef): HubError {
  if (ref.moduleId === null) {
    const message = `A device with ID '${ref.deviceId}' is already registered.`;
    return new HubError(409, 409001, "DeviceAlreadyExists", message);
  }
  const message = `A module with ID '${ref.moduleId}' is already registered on the device.`;
  return new HubError(409, 409301, "ModuleAlreadyExistsOnDevice", message);
}

/** Empty keys mean "make one"; a given key must be sound; thumbprints are 40 or 64 hex digits. */
function resolveAuthentication(
  input: AuthenticationInput,
  before: Authentication | null,
): Authentication {
  const type = input.type ?? before?.type ?? "sas";
  if (type === "sas") {
    const old = before?.symmetricKey;
    return {
      type,
      symmetricKey: {
        primaryKey: resolveKey(input.primaryKey, old?.primaryKey),
        secondaryKey: resolveKey(input.secondaryKey, old?.secondaryKey),
      },
      x509Thumbprint: null,
    };
  }
  if (type !== "selfSigned") return { type, symmetricKey: null, x509Thumbprint: null };
  const old = before?.x509Thumbprint;
  const primary = resolveThumbprint(input.primaryThumbprint, old?.primaryThumbprint);
  const secondary = resolveThumbprint(input.secondaryThumbprint, old?.secondaryThumbprint);
  if (primary === null && secondary === null) {
    throw refuse.argument("selfSigned authentication needs a thumbprint");
  }
  return {
    type,
    symmetricKey: null,
    x509Thumbprint: { primaryThumbprint: primary, secondaryThumbprint: secondary },
  };
}

function resolveKey(given: string | null | undefined, old: string | undefined): string {
  // The service SDK always sends empty keys: on creation "make one", later "as it is".
  if (given === undefined || given === null || given === "") return old ?? makeKey();
  if (!isKey(given)) throw refuse.argument("symmetric keys must be base64 of 16 to 64 bytes");
  return given;
}

function resolveThumbprint(
  given: string | null | undefined,
  old: string | null | undefined,
): string | null {
  if (given === undefined) return old ?? null;
  if (given === null || given === "") return null;
  const hex = given.replace(/[:\s]/g, "").toUpperCase();
  if (!/^([0-9A-F]{40}|[0-9A-F]{64})$/.test(hex)) {
    throw refuse.argument("a thumbprint must be 40 (SHA-1) or 64 (SHA-256) hexadecimal digits");
  }
  return hex;
}

/** A fresh tracking id for error bodies: hex, as Azure's. */
export function makeTrackingId(): string {
  return randomUUID().replaceAll("-", "").toUpperCase();
}

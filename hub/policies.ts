import { randomBytes } from "node:crypto";

export type Right = "RegistryRead" | "RegistryWrite" | "ServiceConnect" | "DeviceConnect";

/** A shared access policy; keys are base64. */
export interface Policy {
  readonly keyName: string;
  readonly primaryKey: string;
  readonly secondaryKey: string;
  readonly rights: readonly Right[];
}

export const OWNER_POLICY = "iothubowner";
const KEY_BYTES = 32;
const ALL: readonly Right[] = ["RegistryRead", "RegistryWrite", "ServiceConnect", "DeviceConnect"];

/** The five policies every Azure hub starts with, and their rights. */
const BUILT_IN: Readonly<Record<string, readonly Right[]>> = {
  [OWNER_POLICY]: ALL,
  service: ["ServiceConnect"],
  device: ["DeviceConnect"],
  registryRead: ["RegistryRead"],
  registryReadWrite: ["RegistryRead", "RegistryWrite"],
};

/** A fresh symmetric key, base64 of 32 random bytes. */
export function makeKey(): string {
  return randomBytes(KEY_BYTES).toString("base64");
}

/** True: base64 text of 16 to 64 bytes, the range Azure accepts for symmetric keys. */
export function isKey(text: unknown): text is string {
  if (typeof text !== "string" || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return false;
  const bytes = Buffer.from(text, "base64");
  return bytes.length >= 16 && bytes.length <= 64 && text.length % 4 === 0;
}

/** The built-in policies with fresh keys; `ownerKey` is then the owner's primary key. */
export function makeBuiltInPolicies(ownerKey?: string): Policy[] {
  return Object.entries(BUILT_IN).map(([keyName, rights]) => ({
    keyName,
    primaryKey: keyName === OWNER_POLICY && ownerKey !== undefined ? ownerKey : makeKey(),
    secondaryKey: makeKey(),
    rights,
  }));
}

/**
 * Reads a policy file: `{"policies":[{keyName, primaryKey, secondaryKey?, rights}]}`, or the
 * array alone; `rights` a list or Azure's text `RegistryRead, ServiceConnect`.
 *
 * @throws Error of one line that says which entry is wrong
 */
export function parsePolicies(json: unknown): Policy[] {
  const list = Array.isArray(json) ? json : (json as { policies?: unknown } | null)?.policies;
  if (!Array.isArray(list) || list.length === 0) {
    throw new Error('policies: expected {"policies":[{keyName, primaryKey, rights}, …]}');
  }
  return list.map((entry: Partial<Record<keyof Policy, unknown>> | null, index) => {
    const { keyName, primaryKey, secondaryKey = makeKey(), rights } = entry ?? {};
    const where = `policies: entry ${index}`;
    if (typeof keyName !== "string" || !/^[\w.-]{1,64}$/.test(keyName)) {
      throw new Error(`${where}: keyName must be 1 to 64 letters, digits, ., - or _`);
    }
    if (!isKey(primaryKey) || !isKey(secondaryKey)) {
      throw new Error(`${where} (${keyName}): keys must be base64 of 16 to 64 bytes`);
    }
    const names = typeof rights === "string" ? rights.split(",").map((s) => s.trim()) : rights;
    if (!Array.isArray(names) || !names.every((right) => ALL.includes(right))) {
      throw new Error(`${where} (${keyName}): rights must be of ${ALL.join(", ")}`);
    }
    return { keyName, primaryKey, secondaryKey, rights: names as Right[] };
  });
}

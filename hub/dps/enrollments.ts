import { createHmac, X509Certificate } from "node:crypto";
import { isId } from "../ids.ts";
import { isKey } from "../policies.ts";

/** How a device (or a group of them) may prove itself to the provisioning service. */
export type EnrollmentProof =
  | { readonly kind: "symmetricKey"; readonly primaryKey: string; readonly secondaryKey: string }
  | { readonly kind: "thumbprint"; readonly thumbprints: readonly string[] }
  | { readonly kind: "ca"; readonly cas: readonly X509Certificate[] };

export interface Enrollment {
  /** Of an individual enrollment; null: a group. */
  readonly registrationId: string | null;
  readonly groupId: string | null;
  /** Device id to give; null: the registration id. */
  readonly deviceId: string | null;
  readonly isEnabled: boolean;
  readonly proof: EnrollmentProof;
  /** `{tags?, properties?: {desired?}}` for a device that is new. */
  readonly initialTwin: unknown;
}

export interface Enrollments {
  readonly idScope: string;
  readonly individual: ReadonlyMap<string, Enrollment>;
  readonly groups: readonly Enrollment[];
}

const ENTRIES_MAX = 100_000;
/** Lower case is what Azure asks for; older clients use upper case too. */
const REGISTRATION_ID = /^[A-Za-z0-9\-._:]{1,128}$/;

export function isRegistrationId(text: unknown): text is string {
  return typeof text === "string" && REGISTRATION_ID.test(text);
}

/** Key of a device of a group: base64(HMAC-SHA256(group key, registration id)). */
export function deriveDeviceKey(groupKey: string, registrationId: string): string {
  const key = Buffer.from(groupKey, "base64");
  return createHmac("sha256", key).update(registrationId, "utf8").digest("base64");
}

/**
 * Reads an enrollments file: `{idScope, enrollments:[{registrationId, symmetricKey}],
 * groups:[{enrollmentGroupId, symmetricKey}]}`. Instead of `symmetricKey` (a text, or
 * `{primaryKey, secondaryKey}`) an entry may have `x509: {primaryThumbprint}` or
 * `x509: {certificate}` (individual), `x509: {caCertificate}` (group); and `deviceId`,
 * `provisioningStatus`, `initialTwin`.
 *
 * @throws Error of one line that says which entry is wrong
 */
export function parseEnrollments(json: unknown): Enrollments {
  const { idScope, enrollments = [], groups = [] } = (json ?? {}) as Record<string, unknown>;
  if (typeof idScope !== "string" || !/^[A-Za-z0-9]{1,64}$/.test(idScope)) {
    throw new Error("enrollments: idScope must be 1 to 64 letters and digits");
  }
  if (!Array.isArray(enrollments) || !Array.isArray(groups)) {
    throw new Error("enrollments: enrollments and groups must be arrays");
  }
  if (enrollments.length + groups.length > ENTRIES_MAX) {
    throw new Error(`enrollments: at most ${ENTRIES_MAX} entries`);
  }
  const individual = new Map<string, Enrollment>();
  for (const [index, entry] of enrollments.entries()) {
    const where = `enrollments: entry ${index}`;
    const { registrationId } = (entry ?? {}) as Record<string, unknown>;
    if (!isRegistrationId(registrationId)) throw new Error(`${where}: bad registrationId`);
    if (individual.has(registrationId))
      throw new Error(`${where}: ${registrationId} is there twice`);
    individual.set(registrationId, parseEntry(`${where} (${registrationId})`, entry, false));
  }
  const parsedGroups = groups.map((entry, index) =>
    parseEntry(`enrollments: group ${index}`, entry, true),
  );
  return { idScope, individual, groups: parsedGroups };
}

function parseEntry(where: string, value: unknown, isGroup: boolean): Enrollment {
  const entry = (value ?? {}) as Record<string, unknown>;
  const name = isGroup ? entry.enrollmentGroupId : entry.registrationId;
  if (typeof name !== "string" || name === "")
    throw new Error(`${where}: enrollmentGroupId missing`);
  if (entry.deviceId !== undefined && !isId(entry.deviceId))
    throw new Error(`${where}: bad deviceId`);
  return {
    registrationId: isGroup ? null : name,
    groupId: isGroup ? name : null,
    deviceId: isGroup ? null : ((entry.deviceId as string | undefined) ?? null),
    isEnabled: entry.provisioningStatus !== "disabled",
    proof: parseProof(where, entry, isGroup),
    initialTwin: entry.initialTwin ?? null,
  };
}

function parseProof(
  where: string,
  entry: Record<string, unknown>,
  isGroup: boolean,
): EnrollmentProof {
  const { symmetricKey, x509 } = entry;
  if (symmetricKey !== undefined) {
    const keys =
      typeof symmetricKey === "string"
        ? { primaryKey: symmetricKey, secondaryKey: symmetricKey }
        : ((symmetricKey ?? {}) as Record<string, unknown>);
    const { primaryKey, secondaryKey = primaryKey } = keys;
    if (!isKey(primaryKey) || !isKey(secondaryKey)) {
      throw new Error(`${where}: symmetricKey must be base64 of 16 to 64 bytes`);
    }
    return { kind: "symmetricKey", primaryKey, secondaryKey };
  }
  const given = (x509 ?? {}) as Record<string, unknown>;
  try {
    if (isGroup && typeof given.caCertificate === "string") {
      return { kind: "ca", cas: [new X509Certificate(given.caCertificate)] };
    }
    if (!isGroup && typeof given.certificate === "string") {
      const hex = new X509Certificate(given.certificate).fingerprint256.replaceAll(":", "");
      return { kind: "thumbprint", thumbprints: [hex] };
    }
  } catch (cause) {
    throw new Error(`${where}: the certificate is not PEM`, { cause });
  }
  const thumbprints = [given.primaryThumbprint, given.secondaryThumbprint].filter(
    (text): text is string =>
      typeof text === "string" && /^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$/.test(text),
  );
  if (isGroup || thumbprints.length === 0) {
    const wanted = isGroup ? "caCertificate" : "certificate or primaryThumbprint";
    throw new Error(`${where}: needs symmetricKey or x509 with ${wanted}`);
  }
  return { kind: "thumbprint", thumbprints };
}

import type { X509Certificate } from "node:crypto";
import type { AuthenticationInput } from "../identity.ts";
import { parseSasToken, verifySasToken } from "../sas.ts";
import { chainProblem, commonName, matchesThumbprint } from "../x509.ts";
import { deriveDeviceKey, type Enrollment, type Enrollments } from "./enrollments.ts";

/** What a registration proved, and how the device will prove itself to the hub. */
export interface RegistrationProof {
  readonly enrollment: Enrollment;
  readonly authentication: AuthenticationInput;
}

export interface RegistrationCredentials {
  readonly registrationId: string;
  readonly token: string | null;
  readonly chain: readonly X509Certificate[];
  readonly nowMs: number;
}

/** @returns the proof, or the reason why there is none */
export function authenticateRegistration(
  enrollments: Enrollments,
  credentials: RegistrationCredentials,
): RegistrationProof | string {
  const own = enrollments.individual.get(credentials.registrationId);
  const candidates = own === undefined ? enrollments.groups : [own];
  if (candidates.length === 0) return "registration id is not enrolled";
  let reason = "registration id is not enrolled";
  for (const enrollment of candidates) {
    const proof = credentials.token
      ? checkToken(enrollments.idScope, enrollment, credentials)
      : checkCertificate(enrollment, credentials);
    if (typeof proof === "string") {
      reason = proof;
      continue;
    }
    return enrollment.isEnabled ? proof : "enrollment is disabled";
  }
  return reason;
}

function checkToken(
  idScope: string,
  enrollment: Enrollment,
  { registrationId, token, nowMs }: RegistrationCredentials,
): RegistrationProof | string {
  const { proof } = enrollment;
  if (proof.kind !== "symmetricKey") return "enrollment does not use symmetric keys";
  const keyOf = (key: string) =>
    enrollment.groupId === null ? key : deriveDeviceKey(key, registrationId);
  const primaryKey = keyOf(proof.primaryKey);
  const secondaryKey = keyOf(proof.secondaryKey);
  const resource = `${idScope}/registrations/${registrationId}`;
  const parsed = parseSasToken(token ?? "");
  const verdict = verifySasToken(parsed, [primaryKey, secondaryKey], [resource], nowMs / 1000);
  if (!verdict.ok) return `SAS token: ${verdict.reason}`;
  return { enrollment, authentication: { type: "sas", primaryKey, secondaryKey } };
}

function checkCertificate(
  enrollment: Enrollment,
  { registrationId, chain, nowMs }: RegistrationCredentials,
): RegistrationProof | string {
  const [leaf] = chain;
  if (leaf === undefined) return "neither SAS token nor client certificate";
  if (commonName(leaf) !== registrationId) return "common name is not the registration id";
  const { proof } = enrollment;
  if (proof.kind === "symmetricKey") return "enrollment does not use certificates";
  if (proof.kind === "thumbprint") {
    if (!matchesThumbprint(leaf, proof.thumbprints)) return "certificate is not the enrolled one";
    if (nowMs > Date.parse(leaf.validTo)) return "certificate has expired";
  } else {
    const problem = chainProblem(chain, proof.cas, nowMs);
    if (problem !== null) return problem;
  }
  const primaryThumbprint = leaf.fingerprint256.replaceAll(":", "");
  return { enrollment, authentication: { type: "selfSigned", primaryThumbprint } };
}

import { createHash, timingSafeEqual, type X509Certificate } from "node:crypto";
import type { CertificateCheck } from "./authenticate.ts";
import type { Clock } from "./clock.ts";

const CHAIN_MAX = 8;

/**
 * Checks client certificates: self-signed by thumbprint (SHA-1 or SHA-256 of the DER leaf), or
 * signed under a verified CA with the device id as common name. Modules are checked as devices.
 */
export function createCertificateCheck(
  cas: () => readonly X509Certificate[],
  clock: Clock,
): CertificateCheck {
  return (identity, chain) => {
    const [leaf] = chain;
    if (leaf === undefined) return "no client certificate";
    const { type, x509Thumbprint } = identity.authentication;
    if (type === "selfSigned") {
      const known = [x509Thumbprint?.primaryThumbprint, x509Thumbprint?.secondaryThumbprint];
      if (!matchesThumbprint(leaf, known)) return "thumbprint does not match";
      return validityProblem(leaf, clock.now());
    }
    if (type !== "certificateAuthority") return "identity does not use certificates";
    if (commonName(leaf) !== identity.deviceId) return "common name is not the device id";
    return chainProblem(chain, cas(), clock.now());
  };
}

/** The subject's common name; null: none. */
export function commonName(certificate: X509Certificate): string | null {
  const line = certificate.subject.split("\n").find((part) => part.startsWith("CN="));
  return line === undefined ? null : line.slice(3);
}

/** True: the leaf has one of the thumbprints (40 or 64 hex digits), compared in constant time. */
export function matchesThumbprint(
  leaf: X509Certificate,
  thumbprints: readonly (string | null | undefined)[],
): boolean {
  let found = false;
  for (const thumbprint of thumbprints) {
    if (!thumbprint) continue;
    const expected = Buffer.from(thumbprint, "hex");
    const digest = createHash(expected.length === 20 ? "sha1" : "sha256")
      .update(leaf.raw)
      .digest();
    if (digest.length === expected.length && timingSafeEqual(digest, expected)) found = true;
  }
  return found;
}

/** Null: the chain leads to one of the CAs and each certificate is valid now. */
export function chainProblem(
  chain: readonly X509Certificate[],
  cas: readonly X509Certificate[],
  nowMs: number,
): string | null {
  if (chain.length > CHAIN_MAX) return "certificate chain is too long";
  let current = chain[0];
  for (let depth = 0; current !== undefined && depth <= CHAIN_MAX; depth++) {
    const invalid = validityProblem(current, nowMs);
    if (invalid !== null) return invalid;
    const subject: X509Certificate = current;
    const root = cas.find((ca) => isIssuedBy(subject, ca));
    if (root !== undefined) return validityProblem(root, nowMs);
    const next = chain.find((candidate) => candidate !== subject && isIssuedBy(subject, candidate));
    if (next !== undefined && !next.ca) return "an intermediate certificate is no CA";
    current = next;
  }
  return "certificate chain does not lead to a verified CA";
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function validityProblem(certificate: X509Certificate, nowMs: number): string | null {
  if (nowMs < Date.parse(certificate.validFrom)) return "certificate is not valid yet";
  if (nowMs > Date.parse(certificate.validTo)) return "certificate has expired";
  return null;
}

import type { X509Certificate } from "node:crypto";
import type { Clock } from "./clock.ts";
import type { Identity, Registry } from "./identity.ts";
import { type IdentityRef, resourcePath } from "./ids.ts";
import type { Policy } from "./policies.ts";
import { bareHost, parseSasToken, verifySasToken } from "./sas.ts";

/** How an identity proved itself. */
export interface Authenticated {
  readonly identity: Identity;
  readonly type: "sas" | "x509";
  /** The stamp `iothub-connection-auth-method`, JSON text. */
  readonly authMethod: string;
  /** End of the token, ms since the Unix epoch; null: none. */
  readonly expiresMs: number | null;
  /** Policy that signed; null: the identity's own key or a certificate. */
  readonly policy: string | null;
}

/** A refusal: the documented code, and the reason for the operations log. */
export interface Refused {
  readonly code: number;
  readonly reason: string;
}

/** Checks a client certificate against an identity; see `x509.ts`. */
export type CertificateCheck = (
  identity: Identity,
  chain: readonly X509Certificate[],
) => string | null;

export interface AuthenticatorPorts {
  readonly registry: Registry;
  readonly policies: () => readonly Policy[];
  readonly hostNames: readonly string[];
  readonly clock: Clock;
  readonly checkCertificate: CertificateCheck;
}

export interface Credentials {
  readonly ref: IdentityRef;
  readonly host: string;
  readonly token: string | null;
  /** Client certificate, leaf first; empty: none. */
  readonly chain: readonly X509Certificate[];
}

export type Authenticate = (credentials: Credentials) => Authenticated | Refused;

const CODE_UNAUTHORIZED = 401002;
const CODE_EXPIRED = 401003;
const CODE_DISABLED = 403012;
const CODE_UNKNOWN = 404001;

const SAS_REASONS = {
  malformed: "SAS token is malformed",
  expired: "SAS token has expired",
  scope: "SAS token is for another resource",
  signature: "SAS signature does not match",
} as const;

/** Decides who a device or module is, over MQTT and over HTTP alike. */
export function createAuthenticator(ports: AuthenticatorPorts): Authenticate {
  const { registry, clock } = ports;
  const accepted = new Set(ports.hostNames.map(bareHost));

  return ({ ref, host, token, chain }) => {
    if (!accepted.has(bareHost(host))) {
      return { code: CODE_UNAUTHORIZED, reason: "host name is not this hub's" };
    }
    const identity = registry.get(ref);
    const device = registry.get({ deviceId: ref.deviceId, moduleId: null });
    if (identity === undefined || device === undefined) {
      return { code: CODE_UNKNOWN, reason: "identity is not registered" };
    }
    const proof = token
      ? checkToken(identity, token)
      : checkChain(identity, chain, ports.checkCertificate);
    if ("code" in proof) return proof;
    if (identity.status !== "enabled" || device.status !== "enabled") {
      return { code: CODE_DISABLED, reason: "device is disabled" };
    }
    return proof;
  };

  function checkToken(identity: Identity, text: string): Authenticated | Refused {
    const token = parseSasToken(text);
    const policy = ports.policies().find((known) => known.keyName === token?.policy);
    let keys: readonly string[] = [];
    if (token?.policy == null) {
      const own = identity.authentication.symmetricKey;
      keys = own === null ? [] : [own.primaryKey, own.secondaryKey];
    } else if (policy?.rights.includes("DeviceConnect")) {
      keys = [policy.primaryKey, policy.secondaryKey];
    }
    const path = resourcePath(identity);
    const resources = [...accepted].map((name) => name + path);
    const verdict = verifySasToken(token, keys, resources, clock.now() / 1000);
    if (!verdict.ok) {
      const code = verdict.reason === "expired" ? CODE_EXPIRED : CODE_UNAUTHORIZED;
      return { code, reason: SAS_REASONS[verdict.reason] };
    }
    const scope = policy ? "hub" : identity.moduleId === null ? "device" : "module";
    return {
      identity,
      type: "sas",
      authMethod: JSON.stringify({
        scope,
        type: "sas",
        issuer: "iothub",
        acceptingIpFilterRule: null,
      }),
      expiresMs: verdict.expirySeconds * 1000,
      policy: policy?.keyName ?? null,
    };
  }
}

function checkChain(
  identity: Identity,
  chain: readonly X509Certificate[],
  check: CertificateCheck,
): Authenticated | Refused {
  if (chain.length === 0) {
    return { code: CODE_UNAUTHORIZED, reason: "neither SAS token nor client certificate" };
  }
  const reason = check(identity, chain);
  if (reason !== null) return { code: CODE_UNAUTHORIZED, reason };
  const scope = identity.moduleId === null ? "device" : "module";
  const issuer = identity.authentication.type === "certificateAuthority" ? "external" : "iothub";
  return {
    identity,
    type: "x509",
    authMethod: JSON.stringify({ scope, type: "x509", issuer, acceptingIpFilterRule: null }),
    expiresMs: null,
    policy: null,
  };
}

import { X509Certificate } from "node:crypto";
import type { Clock } from "./clock.ts";
import { HubError, refuse } from "./errors.ts";
import { makeEtag } from "./identity.ts";
import { addressMatches, parseMask } from "./ip-filter.ts";
import type { OperationCategory, OperationsLog } from "./operations.ts";
import type { Store } from "./store.ts";

/** An uploaded CA certificate of X.509 devices. */
export interface CertificateRecord {
  readonly name: string;
  readonly pem: string;
  readonly thumbprint: string;
  readonly subject: string;
  readonly expiryMs: number;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly isVerified: boolean;
  readonly etag: string;
}

/** As Azure Monitor's: names which categories of the operations log go where. */
export interface DiagnosticSetting {
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface IpFilterRule {
  readonly filterName: string;
  readonly action: "Accept" | "Reject";
  /** CIDR, for example `10.0.0.0/8`. */
  readonly ipMask: string;
}

/** What the Azure management API sets on a hub; each change and attempt is logged. */
export interface Admin {
  certificates(): readonly CertificateRecord[];
  certificate(name: string): CertificateRecord;
  putCertificate(
    name: string,
    pem: string,
    isVerified: boolean,
    etag: string | null,
  ): CertificateRecord;
  verifyCertificate(name: string): CertificateRecord;
  deleteCertificate(name: string, etag: string | null): boolean;
  readonly verifiedCas: () => readonly X509Certificate[];
  settings(): readonly DiagnosticSetting[];
  putSetting(name: string, properties: Readonly<Record<string, unknown>>): DiagnosticSetting;
  deleteSetting(name: string): boolean;
  ipFilter(): readonly IpFilterRule[];
  putIpFilter(rules: readonly IpFilterRule[]): void;
  /** Rules are tried in order; the first that matches decides; none: accepted. */
  allows(address: string | null): boolean;
  /** Notes an attempt that was refused. */
  attempted(attempt: AdminAttempt, error: HubError, callerAddress?: string): void;
}

/** A change of the hub's management that someone asked for. */
export interface AdminAttempt {
  readonly category: OperationCategory;
  readonly operationName: string;
  /** Of the certificate or setting. */
  readonly name: string;
}

export interface AdminPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly operations: OperationsLog;
}

const NAME = /^[A-Za-z0-9\-._]{1,64}$/;
const CERTIFICATES_MAX = 25;
const RULES_MAX = 100;
const SETTINGS_MAX = 5;

export function createAdmin({ store, clock, operations }: AdminPorts): Admin {
  const certificates = store.collection<CertificateRecord>("certificates");
  const settings = store.collection<DiagnosticSetting>("diagnosticSettings");
  const filters = store.collection<readonly IpFilterRule[]>("ipFilter");
  let cas: X509Certificate[] | null = null;

  const record = (category: OperationCategory, operationName: string, name: string) => {
    operations.record({ category, operationName, protocol: "Http", properties: { name } });
  };
  const checkName = (name: string) => {
    if (!NAME.test(name)) throw refuse.argument("names are 1 to 64 letters, digits, -, . and _");
  };
  const certificate = (name: string) => {
    const found = certificates.get(name);
    if (found === undefined) {
      throw new HubError(404, 404024, "CertificateNotFound", `no certificate ${name}`);
    }
    return found;
  };
  const putCertificate: Admin["putCertificate"] = (name, pem, isVerified, etag) => {
    checkName(name);
    const before = certificates.get(name);
    if (before === undefined && certificates.size >= CERTIFICATES_MAX) {
      throw refuse.argument(`at most ${CERTIFICATES_MAX} certificates`);
    }
    if (before !== undefined && etag !== null && etag !== "*" && etag !== before.etag) {
      throw refuse.etag();
    }
    const parsed = parseCertificate(pem);
    const after: CertificateRecord = {
      name,
      pem: parsed.toString(),
      thumbprint: parsed.fingerprint.replaceAll(":", ""),
      subject: parsed.subject.replaceAll("\n", ", "),
      expiryMs: Date.parse(parsed.validTo),
      createdMs: before?.createdMs ?? clock.now(),
      updatedMs: clock.now(),
      isVerified,
      etag: makeEtag(),
    };
    certificates.put(name, after);
    cas = null;
    record("Certificates", before === undefined ? "createCertificate" : "updateCertificate", name);
    return after;
  };
  const verifyCertificate = (name: string) => {
    const after = { ...certificate(name), isVerified: true, updatedMs: clock.now() };
    certificates.put(name, after);
    cas = null;
    record("Certificates", "verifyCertificate", name);
    return after;
  };
  const deleteCertificate = (name: string, etag: string | null) => {
    const before = certificates.get(name);
    if (before === undefined) return false;
    if (etag !== null && etag !== "*" && etag !== before.etag) throw refuse.etag();
    certificates.delete(name);
    cas = null;
    record("Certificates", "deleteCertificate", name);
    return true;
  };
  const verifiedCas = () => {
    cas ??= [...certificates.values()]
      .filter((kept) => kept.isVerified)
      .map((kept) => new X509Certificate(kept.pem));
    return cas;
  };
  const ipFilter = () => filters.get("rules") ?? [];
  const putIpFilter = (rules: readonly IpFilterRule[]) => {
    if (rules.length > RULES_MAX) throw refuse.argument(`at most ${RULES_MAX} IP filter rules`);
    for (const rule of rules) {
      if (parseMask(rule.ipMask) === null) {
        throw refuse.argument(`IP filter ${rule.filterName}: ${rule.ipMask} is no CIDR mask`);
      }
    }
    filters.put("rules", rules);
    record("IpFilter", "updateIpFilter", `${rules.length} rules`);
  };
  const allows = (address: string | null) => {
    const rules = ipFilter();
    if (rules.length === 0 || address === null) return true;
    const rule = rules.find(({ ipMask }) => addressMatches(address, ipMask));
    if (rule === undefined || rule.action === "Accept") return true;
    operations.record({
      category: "IpFilter",
      operationName: "connectionRejected",
      result: "Failure",
      reason: `IP filter rule ${rule.filterName}`,
      callerAddress: address,
    });
    return false;
  };
  return {
    certificates: () => [...certificates.values()],
    certificate,
    putCertificate,
    verifyCertificate,
    deleteCertificate,
    verifiedCas,
    settings: () => [...settings.values()],
    putSetting: (name, properties) => {
      checkName(name);
      const before = settings.get(name);
      if (before === undefined && settings.size >= SETTINGS_MAX) {
        throw refuse.argument(`at most ${SETTINGS_MAX} diagnostic settings`);
      }
      settings.put(name, { name, properties });
      const operation =
        before === undefined ? "createDiagnosticSetting" : "updateDiagnosticSetting";
      record("DiagnosticSettings", operation, name);
      return { name, properties };
    },
    deleteSetting: (name) => {
      const existed = settings.delete(name);
      if (existed) record("DiagnosticSettings", "deleteDiagnosticSetting", name);
      return existed;
    },
    ipFilter,
    putIpFilter,
    allows,
    attempted: ({ category, operationName, name }, error, callerAddress) => {
      operations.record({
        category,
        operationName,
        result: "Failure",
        statusCode: error.code,
        reason: error.message,
        protocol: "Http",
        callerAddress: callerAddress ?? null,
        properties: { name },
      });
    },
  };
}

/** PEM, or the base64 of DER or PEM that the Azure API takes. */
function parseCertificate(text: string): X509Certificate {
  try {
    if (text.includes("-----BEGIN")) return new X509Certificate(text);
    return new X509Certificate(Buffer.from(text, "base64"));
  } catch {
    throw refuse.argument("the certificate is neither PEM nor base64 of one");
  }
}

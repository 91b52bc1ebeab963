import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

/** What a TLS server needs, PEM. */
export interface ServerCertificate {
  readonly caPem: string;
  /** Leaf first, then the CA. */
  readonly certPem: string;
  readonly keyPem: string;
  /** End of validity, ms since the Unix epoch. */
  readonly notAfterMs: number;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
const VALID_DAYS = 825;
/** Clocks of boards and hosts differ: valid from a day ago. */
const BACKDATED_MS = DAY_MS;

x509.cryptoProvider.set(webcrypto as never);

/**
 * Makes a CA for this hub and a server certificate under it (ECDSA P-256).
 *
 * @param hostNames DNS names and IP addresses clients dial
 * @param nowMs milliseconds since the Unix epoch
 */
export async function makeServerCertificate(
  hostNames: readonly string[],
  nowMs: number,
): Promise<ServerCertificate> {
  const notBefore = new Date(nowMs - BACKDATED_MS);
  const notAfter = new Date(nowMs + VALID_DAYS * DAY_MS);
  const caKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: "CN=Picket local hub CA",
    notBefore,
    notAfter,
    signingAlgorithm: ALGORITHM,
    keys: caKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: "CN=Picket local hub",
    issuer: ca.subject,
    notBefore,
    notAfter,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        [...new Set(hostNames)].map((name) => ({
          type: isIP(name) ? ("ip" as const) : ("dns" as const),
          value: name,
        })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(ca),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const caPem = `${ca.toString("pem")}\n`;
  const keyDer = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  return {
    caPem,
    certPem: `${leaf.toString("pem")}\n${caPem}`,
    keyPem: x509.PemConverter.encode(keyDer, "PRIVATE KEY"),
    notAfterMs: notAfter.getTime(),
  };
}

function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40; // Positive, and of full length.
  return Buffer.from(bytes).toString("hex");
}

import { X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

/** The client's certificates, leaf first; empty over plain TCP and without one. */
export function chainOf(stream: Duplex): X509Certificate[] {
  if (!(stream instanceof TLSSocket)) return [];
  const chain: X509Certificate[] = [];
  const seen = new Set<string>();
  let current: ReturnType<TLSSocket["getPeerCertificate"]> | undefined =
    stream.getPeerCertificate(true);
  while (current?.raw !== undefined && !seen.has(current.fingerprint256)) {
    seen.add(current.fingerprint256);
    chain.push(new X509Certificate(current.raw));
    current = (current as { issuerCertificate?: typeof current }).issuerCertificate;
  }
  return chain;
}

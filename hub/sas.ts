import { createHmac, timingSafeEqual } from "node:crypto";

/** A token as it stood in the text; `resource` is still percent-encoded. */
export interface SasToken {
  /** `sr`, exactly as sent: the signature covers these characters. */
  readonly resource: string;
  /** Base64, already percent-decoded. */
  readonly signature: string;
  /** Seconds since the Unix epoch, as sent. */
  readonly expiry: string;
  /** `skn`, the shared access policy; null: signed with the identity's own key. */
  readonly policy: string | null;
}

export type SasFailure = "malformed" | "expired" | "scope" | "signature";
export type SasVerdict =
  | { readonly ok: true; readonly expirySeconds: number }
  | { readonly ok: false; readonly reason: SasFailure };

/** Longest token looked at; real ones are under 400 characters. */
export const SAS_TOKEN_CHARS_MAX = 4096;
const PREFIX = "SharedAccessSignature ";
const EXPIRY_DIGITS_MAX = 15;

/**
 * Makes a token that the hub and the official SDKs accept.
 *
 * @param resourceUri plain, for example `localhost/devices/dev-1`
 * @param keyBase64 the symmetric key as it stands in a connection string
 * @param expirySeconds seconds since the Unix epoch
 * @param policy name of a shared access policy, when the key is a policy's
 */
export function createSasToken(
  resourceUri: string,
  keyBase64: string,
  expirySeconds: number,
  policy?: string,
): string {
  const resource = encodeURIComponent(resourceUri);
  const expiry = String(Math.floor(expirySeconds));
  const signature = sign(resource, expiry, keyBase64).toString("base64");
  const token = `${PREFIX}sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}`;
  return policy === undefined ? token : `${token}&skn=${encodeURIComponent(policy)}`;
}

/** Takes a token apart by field name, in any order; null: not a token. */
export function parseSasToken(text: string): SasToken | null {
  if (text.length > SAS_TOKEN_CHARS_MAX || !text.startsWith(PREFIX)) return null;
  const fields = new Map<string, string>();
  for (const part of text.slice(PREFIX.length).trim().split("&")) {
    const equals = part.indexOf("=");
    if (equals <= 0) return null;
    const name = part.slice(0, equals);
    if (fields.has(name)) return null;
    fields.set(name, part.slice(equals + 1));
  }
  const resource = fields.get("sr");
  const expiry = fields.get("se");
  const signature = decode(fields.get("sig"));
  const policy = fields.has("skn") ? decode(fields.get("skn")) : "";
  if (!resource || !expiry || !signature || policy === null) return null;
  if (expiry.length > EXPIRY_DIGITS_MAX || !/^\d+$/.test(expiry)) return null;
  return { resource, signature, expiry, policy: policy === "" ? null : policy };
}

/**
 * Checks expiry, scope and signature.
 *
 * @param keys base64 keys of which one must have signed; compared in constant time
 * @param resources plain URIs, for example `localhost/devices/d`; the token must cover one
 * @param nowSeconds seconds since the Unix epoch
 */
export function verifySasToken(
  token: SasToken | null,
  keys: readonly string[],
  resources: readonly string[],
  nowSeconds: number,
): SasVerdict {
  if (token === null) return { ok: false, reason: "malformed" };
  const scope = decode(token.resource);
  if (scope === null) return { ok: false, reason: "malformed" };
  if (!isSignedByOneOf(token, keys)) return { ok: false, reason: "signature" };
  if (!resources.some((resource) => coversResource(scope, resource))) {
    return { ok: false, reason: "scope" };
  }
  const expirySeconds = Number(token.expiry);
  if (expirySeconds <= nowSeconds) return { ok: false, reason: "expired" };
  return { ok: true, expirySeconds };
}

/** Prefix by whole segments: `h/a` covers `h/a/b`, not `h/ab`. The host compares without case. */
export function coversResource(scope: string, resource: string): boolean {
  const held = segmentsOf(scope);
  const wanted = segmentsOf(resource);
  return held.length <= wanted.length && held.every((segment, i) => segment === wanted[i]);
}

/** Host without scheme, port and trailing dot, in lower case. */
export function bareHost(host: string): string {
  return host.toLowerCase().replace(/:\d{1,5}$/, "");
}

function segmentsOf(uri: string): string[] {
  const path = uri.replace(/^[a-z]+:\/\//i, "").replace(/\/+$/, "");
  const [host = "", ...rest] = path.split("/");
  return [bareHost(host), ...rest];
}

function isSignedByOneOf(token: SasToken, keys: readonly string[]): boolean {
  const given = Buffer.from(token.signature, "base64");
  let found = false;
  for (const key of keys) {
    if (key === "") continue;
    const expected = sign(token.resource, token.expiry, key);
    if (given.length === expected.length && timingSafeEqual(given, expected)) found = true;
  }
  return found;
}

function sign(resource: string, expiry: string, keyBase64: string): Buffer {
  const key = Buffer.from(keyBase64, "base64");
  return createHmac("sha256", key).update(`${resource}\n${expiry}`, "utf8").digest();
}

function decode(text: string | undefined): string | null {
  if (text === undefined) return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

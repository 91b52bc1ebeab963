import type { Clock } from "./clock.ts";
import type { Policy, Right } from "./policies.ts";
import { bareHost, parseSasToken, verifySasToken } from "./sas.ts";

/** Which policy a service token proved, or the reason why it does not count. */
export type ServiceVerdict =
  | { readonly ok: true; readonly policy: Policy; readonly expiresMs: number }
  | { readonly ok: false; readonly reason: string };

/** Checks a service's token against a path of the hub, for example `/devices/d`. */
export type AuthorizeService = (token: string, right: NeededRight, path: string) => ServiceVerdict;

/** `All`: what only a policy with every right, such as `iothubowner`, may do. */
export type NeededRight = Right | "All";
const RIGHTS = 4;

export function createServiceAuthorizer(
  policies: () => readonly Policy[],
  hostNames: readonly string[],
  clock: Clock,
): AuthorizeService {
  const hosts = [...new Set(hostNames.map(bareHost))];
  return (text, right, path) => {
    const token = parseSasToken(text);
    const policy = policies().find((known) => known.keyName === token?.policy);
    const own = policy === undefined ? [] : [policy.primaryKey, policy.secondaryKey];
    // Event Hubs clients sign with the key's text where IoT Hub clients decode it first.
    const keys = own.flatMap((key) => [key, Buffer.from(key, "utf8").toString("base64")]);
    const resources = hosts.map((host) => host + path);
    const verdict = verifySasToken(token, keys, resources, clock.now() / 1000);
    if (!verdict.ok) return { ok: false, reason: `service token: ${verdict.reason}` };
    const { rights = [] } = policy ?? {};
    const isHeld = right === "All" ? new Set(rights).size === RIGHTS : rights.includes(right);
    if (policy === undefined || !isHeld) {
      return { ok: false, reason: `policy lacks the right ${right}` };
    }
    return { ok: true, policy, expiresMs: verdict.expirySeconds * 1000 };
  };
}

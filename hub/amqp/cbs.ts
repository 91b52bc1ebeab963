import type { HubCore } from "../core.ts";
import { parseSasToken } from "../sas.ts";
import type { NeededRight } from "../service-auth.ts";
import { bodyText, type Message } from "./types.ts";

/** Tokens that one connection has put (claims-based security). */
export interface Claims {
  /** Keeps a token if it is sound; the answer's status code and description. */
  put(message: Message): { readonly status: number; readonly description: string };
  /** True: a token put so far gives the right over the path, for example `/messages-events`. */
  allows(right: NeededRight, path: string): boolean;
  readonly hasToken: boolean;
}

const TOKENS_MAX = 64;
const ROOT = "";

/** @param address caller, for the operations log */
export function createClaims(core: HubCore, address: string | null): Claims {
  const tokens = new Map<string, string>();

  const check = (token: string, right: NeededRight, path: string) =>
    core.authorizeService(token, right, path).ok;
  const put = (message: Message) => {
    const { operation, name } = (message.application_properties ?? {}) as Record<string, unknown>;
    const text = bodyText(message);
    if (operation !== "put-token" || typeof name !== "string" || text === null) {
      return { status: 400, description: "expected put-token with a token" };
    }
    const scope = scopePath(text);
    if (scope === null || !check(text, "ServiceConnect", scope)) {
      core.operations.record({
        category: "Connections",
        operationName: "authenticationFailed",
        result: "Failure",
        statusCode: 401002,
        reason: "AMQP token is not one of a policy with ServiceConnect",
        protocol: "Amqp",
        callerAddress: address,
      });
      return { status: 401, description: "Unauthorized" };
    }
    if (tokens.size >= TOKENS_MAX) tokens.delete([...tokens.keys()][0] as string);
    tokens.set(name, text);
    return { status: 200, description: "OK" };
  };
  return {
    put,
    allows: (right, path) => [...tokens.values()].some((token) => check(token, right, path)),
    get hasToken() {
      return tokens.size > 0;
    },
  };
}

/** The path of the token's own resource: a token is sound if it is so for what it names. */
function scopePath(text: string): string | null {
  const token = parseSasToken(text);
  if (token === null) return null;
  try {
    const plain = decodeURIComponent(token.resource).replace(/^[a-z]+:\/\//i, "");
    const slash = plain.indexOf("/");
    return slash < 0 ? ROOT : plain.slice(slash);
  } catch {
    return null;
  }
}

import type { FastifyRequest } from "fastify";
import { refuse } from "../errors.ts";
import type { IdentityRef } from "../ids.ts";
import { parseJson } from "../json.ts";

/** The body as JSON; empty: undefined. @throws HubError 400 */
export function jsonBody(request: FastifyRequest): unknown {
  const body = request.body;
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined;
  try {
    return parseJson(body);
  } catch {
    throw refuse.argument("the body is not JSON, or nested too deeply");
  }
}

/** The body as a JSON object. @throws HubError 400 */
export function objectBody(request: FastifyRequest): Readonly<Record<string, unknown>> {
  const body = jsonBody(request);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw refuse.argument("the body must be a JSON object");
  }
  return body as Readonly<Record<string, unknown>>;
}

export function rawBody(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

/** `If-Match` without quotes; null: not sent. */
export function ifMatch(request: FastifyRequest): string | null {
  const header = request.headers["if-match"];
  return header === undefined ? null : header.replace(/^(W\/)?"(.*)"$/, "$2");
}

export function refOf(request: FastifyRequest): IdentityRef {
  const { id, mid } = request.params as { id: string; mid?: string };
  return { deviceId: id, moduleId: mid ?? null };
}

export function headerText(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** A whole number in a range, from a query string or header; absent: the default. */
export function wholeNumber(
  name: string,
  text: unknown,
  range: { readonly min: number; readonly max: number; readonly default: number },
): number {
  if (text === undefined || text === "") return range.default;
  const value = Number(text);
  if (!Number.isInteger(value) || value < range.min || value > range.max) {
    throw refuse.argument(`${name} must be a whole number from ${range.min} to ${range.max}`);
  }
  return value;
}

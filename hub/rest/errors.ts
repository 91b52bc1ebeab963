import type { FastifyReply } from "fastify";
import { HubError } from "../errors.ts";
import { makeTrackingId } from "../identity.ts";

/** `11/20/2026 19:05:58`, the form of time in Azure's error bodies. */
function timeStamp(nowMs: number): string {
  const iso = new Date(nowMs).toISOString();
  return `${iso.slice(5, 7)}/${iso.slice(8, 10)}/${iso.slice(0, 4)} ${iso.slice(11, 19)}`;
}

/** Codes whose message is itself JSON: direct methods and what came after them. */
const JSON_MESSAGE_CODES = new Set([404103, 504101, 403800]);

/** Answers with the documented error body and header `iothub-errorcode`. */
export function sendError(reply: FastifyReply, error: HubError, nowMs: number): FastifyReply {
  const trackingId = makeTrackingId();
  const message = JSON_MESSAGE_CODES.has(error.code)
    ? JSON.stringify({
        errorCode: error.code,
        trackingId,
        message: error.message,
        timestampUtc: new Date(nowMs).toISOString(),
      })
    : `ErrorCode:${error.symbol};${error.message}`;
  return reply
    .code(error.status)
    .header("iothub-errorcode", error.symbol)
    .header("content-type", "application/json; charset=utf-8")
    .send(
      JSON.stringify({
        Message: message,
        ExceptionMessage: `Tracking ID:${trackingId}-TimeStamp:${timeStamp(nowMs)}`,
      }),
    );
}

/** Whatever was thrown, as a refusal that may be shown. */
export function asHubError(error: unknown): HubError {
  if (error instanceof HubError) return error;
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status === "number" && status >= 400 && status < 500) {
    const message = error instanceof Error ? error.message : "bad request";
    if (status === 413) return new HubError(413, 413001, "MessageTooLarge", message);
    return new HubError(status, 400004, "ArgumentInvalid", message);
  }
  return new HubError(500, 500001, "ServerError", "the hub failed; see its log");
}

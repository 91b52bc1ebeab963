import type { IdentityRef } from "../ids.ts";

/** What a CONNECT user name says. */
export interface ConnectName extends IdentityRef {
  /** As sent, maybe with a port. */
  readonly host: string;
  readonly apiVersion: string | null;
  /** DTDL model of an IoT Plug and Play device. */
  readonly modelId: string | null;
}

/** A user name of the device provisioning service. */
export interface RegistrationName {
  readonly idScope: string;
  readonly registrationId: string;
}

const USERNAME_CHARS_MAX = 2048;

/**
 * Reads `{host}/{device}[/{module}][/?api-version=…&…]`, and the older form without `?`.
 * Null: not of that form.
 */
export function parseUsername(username: string): ConnectName | null {
  if (username.length > USERNAME_CHARS_MAX) return null;
  const mark = username.indexOf("/?");
  const segments = (mark < 0 ? username : username.slice(0, mark)).split("/");
  let query = mark < 0 ? "" : username.slice(mark + 2);
  const last = segments.at(-1) ?? "";
  if (segments.length > 2 && (last === "" || last.startsWith("api-version="))) {
    segments.pop();
    if (query === "") query = last;
  }
  const [host, deviceId, moduleId = null, ...rest] = segments;
  if (!host || !deviceId || moduleId === "" || rest.length > 0) return null;
  const parameters = new URLSearchParams(query);
  return {
    host,
    deviceId,
    moduleId,
    apiVersion: parameters.get("api-version"),
    modelId: parameters.get("model-id"),
  };
}

/** Reads `{idScope}/registrations/{registrationId}/api-version=…`; null: not of that form. */
export function parseRegistrationName(username: string): RegistrationName | null {
  if (username.length > USERNAME_CHARS_MAX) return null;
  const match = /^([^/]+)\/registrations\/([^/]+)\/(?:\?|api-version=)/.exec(username);
  const [, idScope, registrationId] = match ?? [];
  return idScope && registrationId ? { idScope, registrationId } : null;
}

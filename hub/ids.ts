/** Longest device or module id, characters. Source: Azure IoT Hub identity registry. */
export const ID_CHARS_MAX = 128;
const ID = /^[A-Za-z0-9\-.+%_#*?!(),:=@$']{1,128}$/;

/** A device (`moduleId` null) or one of its modules. */
export interface IdentityRef {
  readonly deviceId: string;
  readonly moduleId: string | null;
}

/** True: allowed as a device or module id (1 to 128 of the documented characters). */
export function isId(text: unknown): text is string {
  return typeof text === "string" && ID.test(text);
}

/** `dev` or `dev/mod`: the MQTT client id, and the key of everything kept per identity. */
export function identityKey(ref: IdentityRef): string {
  return ref.moduleId === null ? ref.deviceId : `${ref.deviceId}/${ref.moduleId}`;
}

/** Path part of the identity's resource URI: `/devices/d` or `/devices/d/modules/m`. */
export function resourcePath(ref: IdentityRef): string {
  const device = `/devices/${ref.deviceId}`;
  return ref.moduleId === null ? device : `${device}/modules/${ref.moduleId}`;
}

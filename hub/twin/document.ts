import { refuse } from "../errors.ts";

/** A JSON value as a twin keeps it. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}
/** When each part of a section was last changed: ISO times at every level. */
export interface Metadata {
  readonly $lastUpdated: string;
  readonly [key: string]: string | Metadata;
}

/** Limits of a twin. Source: Azure IoT Hub, device twins, 2021-04-12. */
export const SECTION_BYTES_MAX = { desired: 32 * 1024, reported: 32 * 1024, tags: 8 * 1024 };
export const DEPTH_MAX = 10;
export const KEY_BYTES_MAX = 1024;
export const STRING_BYTES_MAX = 4096;
export const INTEGER_MIN = -4503599627370496;
export const INTEGER_MAX = 4503599627370495;

export type SectionName = keyof typeof SECTION_BYTES_MAX;

/** Exponent form starts here in JSON; beyond it a number is no integer any more. */
const INTEGER_TEXT_MAX = 1e21;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it finds
const BAD_KEY = /[\u0000-\u001f\u007f-\u009f.$ ]/;
const TOP_LEVEL_IGNORED = new Set(["$version", "$metadata"]);

/** An object for keys from outside: `__proto__` is a key like any other. */
function bare(): Record<string, Json> {
  return Object.create(null);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Checks a patch or document and leaves out what clients may not set (`$version`, `$metadata`).
 *
 * @throws HubError 400 naming the section and what is wrong
 */
export function checkSection(section: SectionName, value: unknown): JsonObject {
  if (!isObject(value)) throw refuse.argument(`${section} must be a JSON object`);
  const checked = bare();
  for (const key of Object.keys(value)) {
    if (TOP_LEVEL_IGNORED.has(key)) continue;
    checkKey(section, key);
    checkValue(section, value[key] as Json, 0);
    checked[key] = value[key] as Json;
  }
  return checked;
}

/** @throws HubError 400 when the section as it would be kept is over its limit */
export function checkSize(section: SectionName, value: JsonObject): void {
  const bytes = sizeOf(value);
  const max = SECTION_BYTES_MAX[section];
  if (bytes > max) {
    throw refuse.argument(`${section} would be ${bytes} bytes; at most ${max} are allowed`);
  }
}

/** Sum of UTF-8 keys and values: strings their bytes, numbers 8, booleans 4. */
export function sizeOf(value: Json): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value === "number") return 8;
  if (typeof value === "boolean") return 4;
  if (value === null) return 0;
  let bytes = 0;
  if (Array.isArray(value)) {
    for (const item of value) bytes += sizeOf(item);
    return bytes;
  }
  for (const key of Object.keys(value)) {
    bytes += Buffer.byteLength(key) + sizeOf((value as JsonObject)[key] as Json);
  }
  return bytes;
}

/** Merge patch (RFC 7396): objects are merged, null deletes, all else replaces. */
export function merge(base: JsonObject, patch: JsonObject): JsonObject {
  const merged = bare();
  for (const key of Object.keys(base)) merged[key] = base[key] as Json;
  for (const key of Object.keys(patch)) {
    const value = patch[key] as Json;
    const before = merged[key];
    if (value === null) delete merged[key];
    else if (isObject(value)) merged[key] = merge(isObject(before) ? before : bare(), value);
    else merged[key] = value;
  }
  return merged;
}

/** The metadata after a patch at `time`: every level that the patch touches gets the time. */
export function mergeMetadata(before: Metadata | undefined, patch: JsonObject, time: string) {
  const merged: Record<string, string | Metadata> = Object.create(null);
  for (const key of Object.keys(before ?? {})) {
    merged[key] = (before as Metadata)[key] as string | Metadata;
  }
  merged.$lastUpdated = time;
  for (const key of Object.keys(patch)) {
    const value = patch[key] as Json;
    const old = merged[key];
    if (value === null) delete merged[key];
    else if (!isObject(value)) merged[key] = { $lastUpdated: time };
    else merged[key] = mergeMetadata(typeof old === "object" ? old : undefined, value, time);
  }
  return merged as unknown as Metadata;
}

/** Without null members at any level: what a full replacement keeps of a document. */
export function withoutNulls(document: JsonObject): JsonObject {
  return merge(bare(), document);
}

function checkValue(section: SectionName, value: Json, depth: number): void {
  if (typeof value === "string") {
    if (Buffer.byteLength(value) > STRING_BYTES_MAX) {
      throw refuse.argument(`${section}: a text value is over ${STRING_BYTES_MAX} bytes`);
    }
  } else if (typeof value === "number") {
    const isBig = value < INTEGER_MIN || value > INTEGER_MAX;
    if (Number.isInteger(value) && isBig && Math.abs(value) < INTEGER_TEXT_MAX) {
      throw refuse.argument(`${section}: an integer is outside ${INTEGER_MIN}…${INTEGER_MAX}`);
    }
  } else if (typeof value === "object" && value !== null) {
    if (depth + 1 > DEPTH_MAX) {
      throw refuse.argument(`${section}: nested deeper than ${DEPTH_MAX} levels`);
    }
    if (Array.isArray(value)) {
      for (const item of value) checkValue(section, item, depth + 1);
      return;
    }
    for (const key of Object.keys(value)) {
      checkKey(section, key);
      checkValue(section, (value as JsonObject)[key] as Json, depth + 1);
    }
  }
}

function checkKey(section: SectionName, key: string): void {
  if (key === "" || Buffer.byteLength(key) > KEY_BYTES_MAX || BAD_KEY.test(key)) {
    const shown = JSON.stringify(key.slice(0, 40));
    throw refuse.argument(
      `${section}: key ${shown} is empty, too long, or has a control character, '.', '$' or blank`,
    );
  }
}

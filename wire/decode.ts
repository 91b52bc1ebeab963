/** Any security message to the neutral model; the format is told by the content alone. */
import { type MessageFormat, type SecurityMessage, WireError } from "./events.ts";
import { jsonText } from "./json-text.ts";
import { parseJson1, readJson1, toJson1 } from "./json1.ts";
import { decodeLegacy } from "./legacy.ts";
import type { LegacyMessage } from "./legacy-model.ts";
import { fromLegacy } from "./legacy-neutral.ts";
import { decodePicket, PICKET_MAGIC } from "./picket.ts";

/**
 * Largest message that is read, bytes: four times what IoT Hub takes (256 KiB), so that a copy
 * that someone indented is read too. What decoding needs of memory and time is linear in it.
 */
export const MESSAGE_BYTES_MAX = 1_048_576;

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const JSON_BLANKS = [0x09, 0x0a, 0x0d, 0x20];
const BRACE = 0x7b;

/**
 * Ours begins with CBOR's mark, JSON (after a byte order mark and blanks) with `{`; the legacy
 * format has no mark, so it is what remains. Its first four bytes are an offset below 2^24,
 * which has a zero byte, as JSON never has.
 */
export function tellFormat(bytes: Uint8Array): MessageFormat {
  if (startsWith(bytes, PICKET_MAGIC)) return "picket";
  if (bytes.subarray(0, 4).includes(0)) return "legacy-2.3";
  let at = startsWith(bytes, BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  while (JSON_BLANKS.includes(bytes[at] ?? 0)) at++;
  return bytes[at] === BRACE ? "json-1.0" : "legacy-2.3";
}

/** @throws WireError one line: what is wrong and where */
export function decodeMessage(bytes: Uint8Array): SecurityMessage {
  switch (checkedFormat(bytes)) {
    case "picket":
      return decodePicket(bytes);
    case "json-1.0":
      return parseJson1(bytes);
    case "legacy-2.3":
      return fromLegacy(readLegacy(bytes));
  }
}

/**
 * The message as JSON text: a legacy message shaped as `legacy-model.ts` says, JSON 1.0 as it
 * stands, ours as JSON 1.0.
 *
 * @throws WireError as `decodeMessage`
 */
export function decodeToJson(bytes: Uint8Array): string {
  switch (checkedFormat(bytes)) {
    case "picket":
      return jsonText(toJson1(decodePicket(bytes)));
    case "json-1.0":
      return jsonText(readJson1(bytes));
    case "legacy-2.3":
      return jsonText(readLegacy(bytes));
  }
}

function checkedFormat(bytes: Uint8Array): MessageFormat {
  if (bytes.length > MESSAGE_BYTES_MAX) {
    throw new WireError(`longer than a message may be (${MESSAGE_BYTES_MAX} bytes)`);
  }
  if (bytes.length === 0) throw new WireError("empty, not a security message");
  return tellFormat(bytes);
}

function readLegacy(bytes: Uint8Array): LegacyMessage {
  try {
    return decodeLegacy(bytes);
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    const what = `no JSON, no Picket message, and no sound legacy message: ${cause.message}`;
    throw new WireError(what, { cause });
  }
}

function startsWith(bytes: Uint8Array, mark: readonly number[]): boolean {
  return mark.every((byte, i) => bytes[i] === byte);
}

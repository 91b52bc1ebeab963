/** Deepest nesting taken from outside; what a twin may have is far less. */
export const JSON_DEPTH_MAX = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Parses JSON from outside. Deep nesting is refused: it would parse, and then overflow the stack
 * of whatever walks over it or writes it again.
 *
 * @throws Error when it is not JSON or nested deeper than `JSON_DEPTH_MAX`
 */
export function parseJson(bytes: Uint8Array): unknown {
  let depth = 0;
  let isText = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (isText) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      if (depth > JSON_DEPTH_MAX) throw new Error(`nested deeper than ${JSON_DEPTH_MAX} levels`);
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
}

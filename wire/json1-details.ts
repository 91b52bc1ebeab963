/**
 * ExtraDetails of security message 1.0 belong to a payload item, those of the neutral model to
 * the event: the first item's keep their names, those of item i > 0 are named `Payload[i].name`.
 */
const PREFIX = /^Payload\[([1-9]\d{0,6})\]\.(.*)$/s;

/** The event's name for a detail of the payload item `index`. */
export function detailKey(index: number, name: string): string {
  return index === 0 ? name : `Payload[${index}].${name}`;
}

/** Inverse of `detailKey`; a name without a prefix, or beyond the payload, is the first item's. */
export function splitDetailKey(key: string, items: number): { index: number; name: string } {
  const [, index, name] = PREFIX.exec(key) ?? [];
  if (index === undefined || name === undefined || Number(index) >= items) {
    return { index: 0, name: key };
  }
  return { index: Number(index), name };
}

import fc from "fast-check";
import { expect, it } from "vitest";
import { WireError } from "../wire/events.ts";
import { jsonText } from "../wire/json-text.ts";
import { decodeLegacy } from "../wire/legacy.ts";
import {
  build,
  event,
  flow,
  inline,
  message,
  type Node,
  table,
  text,
  vector,
} from "./support/flatbuffer-builder.ts";
import { SAMPLES, sample } from "./support/legacy-samples.ts";

/** Decodes; only a WireError of one line may come. Returns whether it was sound. */
function sound(bytes: Uint8Array): boolean {
  try {
    jsonText(decodeLegacy(bytes));
    return true;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    expect(error.message).toMatch(/^[^\n]+ \(byte -?\d+\)$/);
    return false;
  }
}

it("legacy: every truncation of every sample is refused", () => {
  for (const name of SAMPLES) {
    const bytes = sample(name);
    for (let length = 0; length < bytes.length; length++) {
      expect(sound(bytes.slice(0, length)), `${name} cut to ${length}`).toBe(false);
    }
  }
});

it("legacy: every byte of every sample set to any of several values is decoded or refused", () => {
  for (const name of SAMPLES) {
    const bytes = sample(name);
    for (let at = 0; at < bytes.length; at++) {
      const before = bytes[at] ?? 0;
      for (const value of [0, 1, 4, 0x7f, 0x80, 0xff, before ^ 1, before ^ 0x40, before + 2]) {
        bytes[at] = value;
        sound(bytes);
      }
      bytes[at] = before;
    }
  }
});

it("legacy: random bytes, and samples with random patches, are decoded or refused", () => {
  const random = fc.uint8Array({ maxLength: 512 });
  fc.assert(
    fc.property(random, (bytes) => void sound(bytes)),
    { numRuns: 5_000 },
  );
  const patch = fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom(...SAMPLES), patch, (name, changes) => {
      const bytes = sample(name);
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      sound(bytes);
    }),
    { numRuns: 5_000 },
  );
});

it("legacy: offsets that lead to themselves, backwards or far away are refused", () => {
  const activity = table(vector(flow(1, table())));
  const { bytes, at } = build(message(1, activity));
  for (const [node, start] of at) {
    const offsets = node.kind === "table" ? [start] : [start, start + 4];
    for (const position of [0, ...offsets]) {
      for (const value of [0, 0xffff_ffff, 0xffff_ffff - position, 0x8000_0000, bytes.length]) {
        const copy = bytes.slice();
        const end = Math.min(position + 4, copy.length);
        copy.set(inline(value, 4).subarray(0, end - position), position);
        if (copy.join() !== bytes.join() && (node.kind === "table" || position === 0)) {
          expect(sound(copy), `${value} at ${position}`).toBe(false);
        } else sound(copy);
      }
    }
  }
});

it("legacy: a vector or string of 2^32 - 1 elements is refused", () => {
  const name: Node = text("agent");
  const events: Node = vector(event(4, table()));
  const { bytes, at } = build(table(name, null, null, events));
  for (const [node, expected] of [
    [name, /^security_module_id: a string of 4294967295 bytes runs past the end/],
    [events, /^events: a vector of 4294967295 elements runs past the end/],
  ] as const) {
    const copy = bytes.slice();
    copy.fill(0xff, at.get(node), (at.get(node) ?? 0) + 4);
    expect(() => decodeLegacy(copy)).toThrow(expected);
  }
});

it("legacy: a little sharing of tables and strings is read", () => {
  const common = table(inline(1, 2), inline(2, 2), null, null, null, null, null, text("/bin/x"));
  const activity = table(vector(flow(1, common), flow(2, common)));
  const { bytes } = build(message(1, activity));
  const [first] = decodeLegacy(bytes).events;
  expect(first?.payload).toMatchObject({
    ipv4_activity: [{ executable: "/bin/x", local_address: "10.0.0.1" }, { executable: "/bin/x" }],
  });
});

it("legacy: sharing that multiplies ends in an error, in time linear in the size", () => {
  const common = table(null, null, null, null, null, null, null, text("x".repeat(10_000)));
  const flows = vector(...new Array<Node>(10_000).fill(flow(1, common)));
  const shared = event(1, table(flows, flows));
  const { bytes } = build(
    table(text("a"), null, null, vector(...new Array<Node>(10_000).fill(shared))),
  );
  const start = performance.now();
  expect(() => decodeLegacy(bytes)).toThrow(/^too many offsets share the same bytes \(byte \d+\)$/);
  expect(performance.now() - start).toBeLessThan(1_000);
});

it("legacy: the result is no larger than a fixed multiple of the input, whatever it shares", () => {
  // As many flows for as few bytes as the reader allows: 4 bytes of offset each, one shared flow.
  const flowBytes = 4 + 8 + 4 + 4;
  const tries = (count: number) => {
    const shared = vector(...new Array<Node>(count).fill(flow(1, table())));
    return build(message(1, table(shared))).bytes;
  };
  let count = 1;
  while (sound(tries(count + 1))) count++;
  expect(count).toBeGreaterThan(2);
  // Both sides of the limit, and that the limit is one of size: it does not grow without end.
  expect(sound(tries(count))).toBe(true);
  expect(sound(tries(10 * count))).toBe(false);
  expect(count * flowBytes).toBeLessThanOrEqual(4 * tries(count).length);
});

/** The core and the reference, JSON.parse with the JSON Schema, agree on every twin document. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { feedTwin, readReported } from "../host/twin.ts";
import { evaluateTwin, evaluateTwinTree, type TwinEvaluation } from "../wire/twin-evaluate.ts";
import { TWIN_PROPERTIES } from "../wire/twin-properties.ts";
import { desiredText, twinDocument } from "./support/twin-arbitrary.ts";
import { buildTwinCore, startTwinCore, type TwinCore } from "./support/twin-core.ts";

/** More by PICKET_TWIN_RUNS. */
const RUNS = Number(process.env.PICKET_TWIN_RUNS ?? 20_000);
const LIMITS = { cacheBytes: 128 * 1024, messageBytes: 131_072 };
const TYPE_MISMATCH = 0;
const NOT_OPTIMAL = 1;
const CONFLICT = 2;

let wasm: Uint8Array;
let core: TwinCore;
let fresh: Uint8Array;

beforeAll(async () => {
  wasm = await buildTwinCore({ MESSAGE_BYTES_MAX: LIMITS.messageBytes, STORE_FLASH: 1 });
  core = startTwinCore(wasm, { cacheBytes: LIMITS.cacheBytes });
  fresh = new Uint8Array(core.memory).slice();
}, 60_000);

/** Feeds a document in chunks; what the core says of it in the reference's terms. */
function judge(document: Uint8Array, chunks: readonly number[], isPatch = false): TwinEvaluation {
  let i = 0;
  const chunkBytes = () => chunks[i++ % chunks.length] ?? 1;
  const result = feedTwin(core, document, { isPatch, chunkBytes });
  const { reports, errors, flushes } = core.take();
  const report = readReported(reports[0] as Uint8Array);
  const named = (type: number) =>
    errors
      .filter(([, of]) => of === type)
      .map(([property]) => TWIN_PROPERTIES[property]?.name ?? "")
      .sort();
  const faults = [...named(TYPE_MISMATCH), ...named(CONFLICT)].sort();
  expect(reports.length).toBe(1);
  expect(flushes).toBe(report.valid ? 1 : 0);
  expect(faults).toEqual(result < 0 ? ["desired"] : report.invalidFields);
  expect(Math.max(result, 0)).toBe(report.invalidFields.length);
  expect(result === 0).toBe(report.valid);
  const { valid, invalidFields, effective } = report;
  return {
    valid,
    invalidFields,
    effective,
    conflicts: named(CONFLICT),
    notOptimal: named(NOT_OPTIMAL),
  };
}

const chunkSizes = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 256 })), {
  minLength: 1,
  maxLength: 8,
});

describe("twin", () => {
  it("twin: core and schema agree on any document, cut anywhere", () => {
    let valid = 0;
    fc.assert(
      fc.property(twinDocument, chunkSizes, (document, chunks) => {
        new Uint8Array(core.memory).set(fresh);
        const expected = evaluateTwin(document, LIMITS);
        expect(judge(document, chunks)).toEqual(expected);
        if (expected.valid) valid += 1;
      }),
      { numRuns: RUNS },
    );
    expect(valid).toBeGreaterThan(RUNS / 10);
    expect(valid).toBeLessThan((RUNS * 9) / 10);
  }, 600_000);

  it("twin: a series of patches has the outcome of the document that the hub then has", () => {
    const series = fc.array(fc.tuple(desiredText, fc.boolean(), chunkSizes), {
      minLength: 2,
      maxLength: 5,
    });
    fc.assert(
      fc.property(series, (steps) => {
        new Uint8Array(core.memory).set(fresh);
        let desired: unknown = {};
        let inForce = evaluateTwinTree({}, LIMITS).effective;
        for (const [text, isPatch, chunks] of steps) {
          const document = isPatch ? text : `{"desired":${text}}`;
          const own = evaluateTwin(Buffer.from(`{"desired":${text}}`), LIMITS);
          let tree: unknown;
          try {
            tree = JSON.parse(text);
          } catch {}
          if (tree !== undefined) desired = isPatch ? merge(desired, tree) : tree;
          const expected = tree === undefined ? own : evaluateTwinTree({ desired }, LIMITS);
          if (expected.valid) inForce = expected.effective;
          const found = judge(Buffer.from(document), chunks, isPatch);
          expect(found).toEqual({ ...expected, effective: inForce });
        }
      }),
      { numRuns: RUNS / 10 },
    );
  }, 600_000);
});

/** JSON merge patch (RFC 7386), as the hub applies patches. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const isTree = typeof target === "object" && target !== null && !Array.isArray(target);
  const merged = new Map(isTree ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, merge(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

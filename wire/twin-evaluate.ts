/**
 * The verdict on a module twin document, apart from the core's: JSON.parse and the JSON Schema,
 * then what a schema cannot say. The core must agree with it on every document.
 */
import { formatDuration, parseDuration } from "./duration.ts";
import {
  TWIN_DEPTH_MAX,
  TWIN_INTERVAL_S_MAX,
  TWIN_OBJECT,
  TWIN_PROPERTIES,
  TWIN_SETTINGS,
  TWIN_SIZE_BYTES_MAX,
  type TwinProperty,
} from "./twin-properties.ts";
import { twinSchemaFaults } from "./twin-schema.ts";

/** A value in the terms of its setting: s, B, a priority or a boolean. */
type Value = string | number | boolean;
type Tree = Readonly<Record<string, unknown>>;

/** What the board can give. */
export interface TwinLimits {
  readonly cacheBytes: number;
  readonly messageBytes: number;
}

export interface TwinEvaluation {
  readonly valid: boolean;
  /** Names of faulty properties, sorted; none when the text is no document. */
  readonly invalidFields: readonly string[];
  /** Those of them that are faulty because of another property, sorted. */
  readonly conflicts: readonly string[];
  /** Names of properties that are not obeyed to the letter, sorted; none when not valid. */
  readonly notOptimal: readonly string[];
  /** The values that come into force; the defaults when not valid. */
  readonly effective: Readonly<Record<string, Value>>;
}

/** What a document says of a setting, and which property says it. */
interface Wish {
  readonly value: Value;
  readonly from: string;
}

const UNLIMITED: TwinLimits = { cacheBytes: Infinity, messageBytes: Infinity };
const HIGH = "highPriorityMessageFrequency";
const LOW = "lowPriorityMessageFrequency";
const SNAPSHOT = "snapshotFrequency";
const CACHE = "maxLocalCacheSizeInBytes";
const MESSAGE = "maxMessageSizeInBytes";

/** Evaluates the text of a document `{"desired":{…}}`. */
export function evaluateTwin(bytes: Uint8Array, limits = UNLIMITED): TwinEvaluation {
  const document = parse(bytes);
  return document === undefined ? refused([], [], limits) : evaluateTwinTree(document, limits);
}

/** Evaluates a document that is not text any more. */
export function evaluateTwinTree(document: unknown, limits = UNLIMITED): TwinEvaluation {
  const mismatches = twinSchemaFaults(document);
  if (mismatches === null) return refused([], [], limits);
  const desired = ((document as Tree).desired ?? {}) as Tree;
  const { own, flat, unordered } = readWishes(desired, mismatches);
  const conflicts = [...unordered, ...findConflicts(own, flat)];
  const faults = new Set([...mismatches, ...conflicts]);
  if (faults.size > 0) return refused([...faults], conflicts, limits);
  const effective = effectiveValues({ ...flat, ...own }, limits);
  return {
    valid: true,
    invalidFields: [],
    conflicts: [],
    notOptimal: findNotOptimal(desired, own, effective),
    effective: shown(effective),
  };
}

function refused(
  faults: readonly string[],
  conflicts: readonly string[],
  limits: TwinLimits,
): TwinEvaluation {
  return {
    valid: false,
    invalidFields: [...new Set(faults)].sort(),
    conflicts: [...new Set(conflicts)].sort(),
    notOptimal: [],
    effective: shown(effectiveValues({}, limits)),
  };
}

function parse(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const document = JSON.parse(text);
    return depthOf(text) > TWIN_DEPTH_MAX ? undefined : document;
  } catch {
    return undefined;
  }
}

/** Greatest number of containers that are open at once in a text that is JSON. */
function depthOf(json: string): number {
  let depth = 0;
  let greatest = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '"') inString = !inString;
    else if (inString) i += c === "\\" ? 1 : 0;
    else if (c === "[" || c === "{") greatest = Math.max(greatest, ++depth);
    else if (c === "]" || c === "}") depth--;
  }
  return greatest;
}

function readWishes(desired: Tree, mismatches: ReadonlySet<string>) {
  const own: Record<string, Wish> = {};
  const flat: Record<string, Wish> = {};
  const unordered: string[] = [];
  const given = (tree: Tree, name: string) =>
    mismatches.has(name) ? undefined : (tree[name] ?? undefined);
  const object = (given(desired, TWIN_OBJECT) ?? {}) as Tree;
  for (const setting of TWIN_SETTINGS) {
    const raw = (given(object, setting.name) as Tree | undefined)?.value ?? undefined;
    if (raw === undefined) continue;
    own[setting.name] = { value: taken(setting, raw as Value), from: setting.name };
  }
  for (const { name, kind, sets = [] } of TWIN_PROPERTIES) {
    const raw = given(desired, name);
    if (raw === undefined) continue;
    if (kind === "intervals") {
      const [high = 0, medium = 0, low = 0] = String(raw).split(",").map(Number);
      if (high > medium || medium > low) unordered.push(name);
      else {
        flat[HIGH] = { value: high * 60, from: name };
        flat[LOW] = { value: low * 60, from: name };
      }
    } else if (kind === "frequency" || (kind === "disabled" && isTrue(raw))) {
      const wish = kind === "disabled" ? "Off" : raw === "Medium" ? "High" : (raw as Value);
      for (const target of sets) {
        if (kind === "frequency" && flat[target]?.value !== undefined) continue; // Disabled.
        const setting = TWIN_SETTINGS.find((one) => one.name === target) as TwinProperty;
        flat[target] = { value: taken(setting, wish), from: name };
      }
    }
  }
  return { own, flat, unordered };
}

function isTrue(raw: unknown): boolean {
  return raw === true || raw === "True";
}

/** A value as the agent takes it, before the board's limits. */
function taken({ kind, permanent }: TwinProperty, raw: Value): Value {
  if (kind === "duration") return Math.min(parseDuration(raw as string) ?? 0, TWIN_INTERVAL_S_MAX);
  if (kind === "size") return Math.min(raw as number, TWIN_SIZE_BYTES_MAX);
  return permanent && raw === "Off" ? "Low" : raw;
}

function findConflicts(
  own: Readonly<Record<string, Wish>>,
  flat: Readonly<Record<string, Wish>>,
): string[] {
  const names: string[] = [];
  for (const [name, { value }] of Object.entries(own)) {
    const other = flat[name];
    if (other !== undefined && other.value !== value) names.push(name, other.from);
  }
  for (const [less, more] of [
    [HIGH, LOW],
    [MESSAGE, CACHE],
  ] as const) {
    const [a, b] = [own[less]?.value, own[more]?.value];
    if (a !== undefined && b !== undefined && a > b) names.push(less, more);
  }
  return names;
}

function effectiveValues(
  wishes: Readonly<Record<string, Wish>>,
  { cacheBytes, messageBytes }: TwinLimits,
): Record<string, Value> {
  const most: Readonly<Record<string, number>> = { [CACHE]: cacheBytes, [MESSAGE]: messageBytes };
  return Object.fromEntries(
    TWIN_SETTINGS.map((setting) => {
      const { name } = setting;
      const value = wishes[name]?.value ?? taken(setting, setting.default as Value);
      const limit = most[name] ?? Infinity;
      return [name, typeof value === "number" ? Math.min(value, limit) : value];
    }),
  );
}

function findNotOptimal(
  desired: Tree,
  own: Readonly<Record<string, Wish>>,
  effective: Readonly<Record<string, Value>>,
): string[] {
  const names: string[] = [];
  const object = (desired[TWIN_OBJECT] ?? {}) as Record<string, Tree | null>;
  for (const { name, kind } of TWIN_SETTINGS) {
    if (own[name] === undefined) continue;
    const raw = object[name]?.value;
    const asked = kind === "duration" ? parseDuration(raw as string) : raw;
    if (asked !== effective[name]) names.push(name);
    else if (name === SNAPSHOT && Number(asked) < Number(effective[HIGH])) names.push(name);
  }
  for (const { name, kind, permanent } of TWIN_PROPERTIES) {
    const raw = desired[name];
    if (kind === "frequency" && raw === "Medium") names.push(name);
    if (kind === "disabled" && permanent && isTrue(raw)) names.push(name);
  }
  return [...new Set(names)].sort();
}

function shown(values: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(
    TWIN_SETTINGS.map(({ name, kind }) => {
      const value = values[name] as Value;
      return [name, kind === "duration" ? formatDuration(value as number) : value];
    }),
  );
}

/** Generates the core's tables of twin properties from `wire/twin-properties.ts`. */
import { parseDuration } from "../wire/duration.ts";
import * as keys from "../wire/picket-keys.ts";
import * as twin from "../wire/twin-properties.ts";

const { TWIN_PROPERTIES: ALL, TWIN_SETTINGS: SETTINGS } = twin;
const HEADER = "// Generated from wire/twin-properties.ts by scripts/generate.ts; do not edit.";

/** Values as the core keeps them; the first three are message.cddl's, with PRIORITY_OFF. */
const WORDS = ["High", "Low", "Off", "Medium", "True", "False"] as const;
/** How the core reads a value: KIND_* below. */
const KINDS = [
  "duration",
  "cache",
  "message",
  "boolean",
  "priority",
  "permanent priority",
  "disabled",
  "permanent disabled",
  "frequency",
  "intervals",
] as const;
/** Beginnings and endings that several names share: they stand in the core once. */
const BEGINNINGS = ["eventPriority", "aggregationEnabled", "aggregationInterval"];
const ENDINGS = ["_Disabled", "_MessageFrequency", "MessageFrequency", "SizeInBytes"];
/** Text of the reported properties, and the key in each wrapper. */
const TEXTS = {
  VALUE: "value",
  OPEN: '{"',
  OBJECT: '":{"',
  WRAP: '":{"value":',
  NEXT: '},"',
  STATE: '}},"latest_state":"',
  INVALID: '","latest_invalid_fields":[',
  UNKNOWN: '],"latest_unknown_fields":[',
  CLOSE: "]}",
  SUCCESS: "success",
  FAILED: "failed",
  NO: "false",
  YES: "true",
  NULL: "null",
  MORE: "...",
};

/** `assembly/twin-table.ts`. */
export function twinTableModule(): string {
  checkOrder();
  const parts: string[] = [...WORDS, ...Object.values(TEXTS)];
  const place = (part: string) => {
    if (!parts.includes(part)) parts.push(part);
    return parts.indexOf(part);
  };
  const empty = place("");
  const names = ALL.flatMap(({ name }) => split(name).map(place));
  names.push(parts.indexOf(TEXTS.VALUE), empty); // Found in wrappers.
  const priorities = SETTINGS.filter(({ kind }) => kind === "priority");
  const lines = [HEADER, 'import { TWIN } from "./options";', ""];
  const constant = (name: string, value: number, doc: string) => {
    lines.push(`/** ${doc} */`, `export const ${name}: u32 = ${value};`);
  };
  const first = (test: (property: twin.TwinProperty) => boolean) => ALL.findIndex(test);
  constant("PROPERTIES", ALL.length, "Properties have the numbers below this one.");
  constant("SETTINGS", SETTINGS.length, "The settings come first.");
  constant("SETTING_CACHE", number("maxLocalCacheSizeInBytes"), "Setting, B.");
  constant("SETTING_MESSAGE", number("maxMessageSizeInBytes"), "Setting, B.");
  constant("SETTING_PRIORITY", SETTINGS.indexOf(priorities[0] as never), "First priority.");
  constant("PRIORITIES_COUNT", priorities.length, "Number of priorities.");
  constant(
    "SETTING_AGGREGATION",
    first(({ kind }) => kind === "boolean"),
    "First aggregationEnabled….",
  );
  constant("AGGREGATIONS", ALL.filter(({ kind }) => kind === "boolean").length, "Number of them.");
  constant(
    "FLAT_INTERVALS",
    first(({ kind }) => kind === "intervals"),
    "The first flat key; pairs of …_Disabled and …_MessageFrequency follow.",
  );
  constant("TWIN_OBJECT", number(twin.TWIN_OBJECT), "The object that holds the settings.");
  constant("TWIN_DESIRED", number("desired"), "What the cloud wants.");
  constant("DEPTH_MAX", twin.TWIN_DEPTH_MAX, "Containers open at once.");
  constant("DURATION_CHARS_MAX", twin.TWIN_DURATION_CHARS_MAX, "Longest duration, characters.");
  constant("INTERVAL_S_MAX", twin.TWIN_INTERVAL_S_MAX, "Longest interval, s.");
  constant("SIZE_BYTES_MAX", twin.TWIN_SIZE_BYTES_MAX, "Largest size, B.");
  constant("SIZE_BYTES_MIN", limit("maxLocalCacheSizeInBytes", "min"), "Of both sizes, B.");
  constant("MESSAGE_BYTES_MOST", limit("maxMessageSizeInBytes", "max"), "Limit, B.");
  for (const [i, word] of WORDS.entries()) constant(`WORD_${upper(word)}`, i, `"${word}".`);
  for (const [i, kind] of KINDS.entries()) constant(`KIND_${upper(kind)}`, i, `A ${kind}.`);
  for (const [name, text] of Object.entries(TEXTS)) {
    constant(`TEXT_${name}`, parts.indexOf(text), `Part: ${text}`);
  }
  const data = (name: string, type: string, values: readonly number[], doc: string) => {
    lines.push(`/** ${doc} */`);
    lines.push(`export const ${name}: usize = TWIN ? memory.data<${type}>([${values}]) : 0;`);
  };
  data("PARTS", "u8", [...Buffer.from(parts.join(""))], "Text that names are made of.");
  const starts = parts.map((_, i) => parts.slice(0, i).join("").length);
  data("PART_STARTS", "u16", [...starts, parts.join("").length], "Where each begins; the end.");
  const flat = first(({ style }) => style === "flat");
  const levels = [
    [0, 0],
    [number("desired"), ALL.length],
    [flat, number("desired")],
    [0, SETTINGS.length],
    [ALL.length, ALL.length + 1],
  ];
  data("LEVELS", "u8", levels.flat(), "First name of each level of a document, and the end.");
  data("NAMES", "u8", names, "Two parts for each name.");
  const valued = ALL.filter(({ style }) => style !== "path");
  data("KINDS", "u8", valued.map(kindOf), "KIND_* of each property with a value.");
  data("KIND_WORDS", "u8", KINDS.map(wordsOf), "Bit n: word n is a value of this kind.");
  data("WORD_CODES", "u8", [1, 2, 3, 1, 2, 1], "Value of each word, plus one.");
  data("COLLECTORS", "u8", priorities.map(collectorOf), "Flat …_Disabled of each priority, or 0.");
  const first32 = SETTINGS.indexOf(priorities[0] as never);
  lines.push("/** Defaults of the first settings, u32 each: s and B. */");
  const wide = SETTINGS.slice(0, first32).map(defaultOf);
  lines.push(`export const DEFAULTS: usize = memory.data<u32>([${wide}]);`);
  lines.push("/** Defaults of the others, a byte each: priorities, 0 or 1, and hours. */");
  const narrow = SETTINGS.slice(first32).map(defaultOf);
  const hours = (value: number) => (value >= 3600 ? value / 3600 : value);
  lines.push("export const DEFAULT_LEVELS: usize = TWIN");
  lines.push(`  ? memory.data<u8>([${narrow.map(hours)}])`);
  lines.push(`  : memory.data<u8>([${narrow.slice(0, priorities.length)}]);`);
  return `${lines.join("\n")}\n`;
}

function upper(text: string): string {
  return text.toUpperCase().replaceAll(" ", "_");
}

function number(name: string): number {
  return ALL.findIndex((property) => property.name === name);
}

function limit(name: string, which: "min" | "max"): number {
  return ALL[number(name)]?.[which] as number;
}

/** A name as two parts, one of which may be empty. */
function split(name: string): readonly [string, string] {
  const beginning = BEGINNINGS.find((text) => name.startsWith(text));
  if (beginning) return [beginning, name.slice(beginning.length)];
  const ending = ENDINGS.find((text) => name.endsWith(text)) ?? "";
  return [name.slice(0, name.length - ending.length), ending];
}

function kindOf({ name, kind, permanent }: twin.TwinProperty): number {
  const sizes: Readonly<Record<string, string>> = {
    maxLocalCacheSizeInBytes: "cache",
    maxMessageSizeInBytes: "message",
  };
  const code = KINDS.indexOf((sizes[name] ?? `${permanent ? "permanent " : ""}${kind}`) as never);
  if (code < 0) throw new Error(`wire/twin-properties.ts: ${name} has no kind of the core`);
  return code;
}

/** Booleans in JSON count as the words "True" and "False". */
function wordsOf(kind: (typeof KINDS)[number]): number {
  const words: readonly string[] = kind.endsWith("priority")
    ? ["High", "Low", "Off"]
    : kind === "frequency"
      ? ["High", "Low", "Medium"]
      : kind === "boolean" || kind.endsWith("disabled")
        ? ["True", "False"]
        : [];
  return words.reduce((bits, word) => bits | (1 << WORDS.indexOf(word as never)), 0);
}

function collectorOf({ name }: twin.TwinProperty): number {
  const found = ALL.findIndex(({ kind, sets }) => kind === "disabled" && sets?.includes(name));
  return Math.max(found, 0);
}

function defaultOf({ name, kind, default: value }: twin.TwinProperty): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  const seconds = kind === "duration" ? parseDuration(value ?? "") : undefined;
  const code = seconds ?? WORDS.indexOf(value as never);
  if (code < 0) throw new Error(`wire/twin-properties.ts: ${name} has no default`);
  return code;
}

/** The core computes the setting of an event kind: the order of the table is that of kinds. */
function checkOrder(): void {
  if (limit("maxLocalCacheSizeInBytes", "min") !== limit("maxMessageSizeInBytes", "min")) {
    throw new Error("wire/twin-properties.ts: the core has one least size");
  }
  const order = SETTINGS.filter(({ kind }) => kind === "priority").map(({ name }) =>
    eventKind(name.slice("eventPriority".length)),
  );
  const own = Array.from({ length: keys.KIND_CONFIGURATION_ERROR }, (_, i) => i + 1);
  const observed = Array.from(
    { length: order.length - own.length },
    (_, i) => i + keys.KIND_CONNECTION_CREATE,
  );
  const aggregated = ALL.filter(({ kind }) => kind === "boolean").map(({ name }) =>
    eventKind(name.slice("aggregationEnabled".length)),
  );
  const expected = [...own, ...observed, ...observed.slice(0, aggregated.length)];
  if (`${[...order, ...aggregated]}` !== `${expected}`) {
    throw new Error("wire/twin-properties.ts: not in the order of the kinds in wire/message.cddl");
  }
}

function eventKind(event: string): number {
  const name = event.replace(/([a-z])([A-Z])/g, "$1_$2").replace("OSB", "OS_B");
  return (keys as Record<string, number>)[`KIND_${name.toUpperCase()}`] ?? -1;
}

/** Generates what core and CDDL know of observations from `wire/observations.ts`. */
import {
  OBSERVATIONS,
  type ObservedName,
  type RecordField,
  recordLayout,
} from "../wire/observations.ts";

const NAMES = Object.keys(OBSERVATIONS) as ObservedName[];
const HEADER = "Generated from wire/observations.ts by scripts/generate.ts; do not edit.";

/** Type codes of fields in the core's table, see assembly/observe.ts. */
const CODES: Readonly<Record<string, number>> = { u8: 0, u16: 1, u32: 2, i32: 3, address: 4 };
const TEXT_CODE = 8;
const CHOICE_CODE = 0xe0;

function fieldCode(field: RecordField): number {
  if (field.type === "text") return TEXT_CODE + field.bytes;
  if (field.type === "choice") return CHOICE_CODE + field.values.length - 1;
  if (field.type === "boolean") return CHOICE_CODE + 1;
  return CODES[field.type] ?? 0;
}

/** `assembly/records.ts`: a byte for each field, and where each kind's begin. */
export function recordsModule(): string {
  const lines = [`// ${HEADER}`, ""];
  const codes: number[] = [];
  const starts: number[] = [];
  const sizes: number[] = [];
  const compared: number[] = [];
  let snapshots = 0;
  for (const name of NAMES) {
    const { places, bytes } = recordLayout(name);
    const { kind, differing = 0, snapshot } = OBSERVATIONS[name];
    if (kind !== OBSERVATIONS[NAMES[0] as ObservedName].kind + starts.length) {
      throw new Error(`wire/observations.ts: ${name} is out of order`);
    }
    starts.push(codes.length);
    sizes.push(bytes);
    const last = places[differing - 1];
    compared.push(last === undefined ? 4 : last.at + last.bytes);
    codes.push(...places.map(({ field }) => fieldCode(field)));
    if (snapshot) snapshots |= 1 << kind;
  }
  starts.push(codes.length);
  const first = OBSERVATIONS[NAMES[0] as ObservedName].kind;
  lines.push("/** Kinds of observed events: from here on, without gap. */");
  lines.push(`export const RECORD_KIND_MIN: u32 = ${first};`);
  lines.push(`export const RECORD_KIND_MAX: u32 = ${first + NAMES.length - 1};`);
  lines.push("/** Longest record, B. */");
  lines.push(`export const RECORD_BYTES_MAX: u32 = ${Math.max(...sizes)};`);
  lines.push("/** Bit n: kind n is a snapshot's. */");
  lines.push(`export const SNAPSHOT_KINDS: u32 = ${snapshots};`);
  lines.push("/** A byte for each field, kind by kind. */");
  lines.push(`export const fields: usize = memory.data<u8>([${codes.join(", ")}]);`);
  lines.push("/** Of each kind: its first field; one more at the end. */");
  lines.push(`export const starts: usize = memory.data<u8>([${starts.join(", ")}]);`);
  lines.push("/** Of each kind: bytes of a record, and where what equal events share begins. */");
  lines.push(`export const sizes: usize = memory.data<u8>([${sizes.join(", ")}]);`);
  lines.push(`export const shared: usize = memory.data<u8>([${compared.join(", ")}]);`);
  lines.push("/** The record that the core makes itself: offsets and length. */");
  const own = recordLayout("ConnectionCreate");
  for (const { name, at } of own.places) {
    const constant = kebab(name).toUpperCase().replaceAll("-", "_");
    lines.push(`export const CONNECTION_CREATE_${constant}: u32 = ${at};`);
  }
  lines.push(`export const CONNECTION_CREATE_BYTES: u32 = ${own.bytes};`);
  return `${lines.join("\n")}\n`;
}

/** `wire/observations.cddl`: the events that come of records. */
export function observationsCddl(): string {
  const lines = [`; ${HEADER}`, ""];
  const rules = NAMES.map((name) => kebab(name));
  lines.push(`observed = ${rules.join(" / ")}`, "");
  for (const name of NAMES) {
    lines.push(`${kebab(name)} = [kind: kind-${kebab(name)}, time, interval, {`);
    for (const { name: field, key, field: type } of recordLayout(name).places) {
      lines.push(`  ? ${key} => ${cddlType(type)},    ; ${field}`);
    }
    lines.push(
      "  ? aggregated-hits => uint, ? aggregated-first => time, ? aggregated-last => time",
    );
    lines.push("}]", "");
  }
  return lines.join("\n");
}

function cddlType(field: RecordField): string {
  if (field.type === "text") return `bstr .size (1..${field.bytes})`;
  if (field.type === "address") return "bstr .size 4 / bstr .size 16";
  if (field.type === "boolean") return "1";
  if (field.type === "choice") return field.values.map((_, index) => index).join(" / ");
  return field.type === "i32" ? "int" : "uint";
}

function kebab(name: string): string {
  return name
    .replace(/OS(?=[A-Z])/, "Os")
    .replace(/(?<!^)([A-Z])/g, "-$1")
    .toLowerCase();
}

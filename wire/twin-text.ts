/** Verdicts on module twins for people. */
import { formatDuration } from "./duration.ts";
import { printable } from "./printable.ts";
import { TWIN_PROPERTIES, TWIN_SETTINGS, type TwinProperty } from "./twin-properties.ts";

interface Verdict {
  readonly valid: boolean;
  readonly invalidFields: readonly string[];
}

interface Checked {
  readonly file: string;
  readonly core: Verdict & {
    readonly unknownFields: readonly string[];
    readonly effective: Readonly<Record<string, string | number | boolean>>;
  };
  readonly schema: Verdict & {
    readonly conflicts: readonly string[];
    readonly notOptimal: readonly string[];
  };
}

/** The verdict, why, and the settings that differ from their defaults. */
export function twinCheckText({ file, core, schema }: Checked): string {
  const lines = [`${printable(file)}: ${outcome(core)}`];
  const isSame = outcome(core) === outcome(schema);
  if (!isSame) lines.push(`  the schema says: ${outcome(schema)}; please report this`);
  list(lines, "in conflict", schema.conflicts);
  list(lines, "not obeyed to the letter", schema.notOptimal);
  list(lines, "not known, not obeyed", core.unknownFields);
  if (!core.valid) return lines.join("\n");
  for (const { name, default: usual } of TWIN_SETTINGS) {
    const value = core.effective[name];
    if (value !== usual) lines.push(`  ${name}: ${value} (default ${usual})`);
  }
  return lines.join("\n");
}

function outcome({ valid, invalidFields }: Verdict): string {
  if (valid) return "valid";
  if (invalidFields.length === 0) return "not valid: no twin document in JSON";
  return `not valid: ${invalidFields.join(", ")}`;
}

function list(lines: string[], what: string, names: readonly string[]): void {
  if (names.length > 0) lines.push(`  ${what}: ${names.map(printable).join(", ")}`);
}

const PRIORITIES = ["High", "Low", "Off"] as const;

/**
 * What a ConfigurationError event says is used: as a document would have it.
 *
 * @param value of a setting, as the core keeps it; a flat property has that of the first setting
 *   it stands for
 */
export function twinValueText(property: TwinProperty, value: number): string {
  const [first] = property.sets ?? [property.name];
  const kind = TWIN_PROPERTIES.find(({ name }) => name === first)?.kind;
  if (kind === "duration") return formatDuration(value);
  if (kind === "priority") return PRIORITIES[value] ?? String(value);
  if (kind === "boolean") return String(value !== 0);
  return kind === "size" ? String(value) : "the present configuration";
}

/** Verdicts on module twins for people. */
import { printable } from "./printable.ts";
import { TWIN_SETTINGS } from "./twin-properties.ts";

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

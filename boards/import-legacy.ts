/** Turns the asc_config.h of the agent that Picket replaces into a board profile. */
import { BoardError } from "./board-error.ts";
import { FLAG_KNOBS, type Knob, knobOf } from "./legacy-knobs.ts";
import { OPTIONS } from "./options.ts";
import { type Preprocessed, preprocess } from "./preprocessor.ts";
import type { BoardProfile } from "./profile-fields.ts";

export interface LegacyImport {
  readonly profile: BoardProfile;
  /** Settings that became options or intervals, one line each. */
  readonly taken: readonly string[];
  /** Settings that Picket covers in another way. */
  readonly covered: readonly string[];
  /** Settings without a counterpart, with the reason, and names that are not known. */
  readonly without: readonly string[];
}

const INTERVAL_S_MAX = 86_400;

/** What an import changes in the profile that it starts from. */
interface Draft {
  readonly options: Record<string, number>;
  readonly intervals: Record<string, number>;
  readonly taken: string[];
  readonly covered: string[];
  readonly without: string[];
}

/**
 * @param text the header
 * @param base profile of the board: what the header says nothing about stays as it is there
 * @param defined macros from outside, such as NX_DISABLE_IPV6
 * @throws PreprocessorError or BoardError with one line
 */
export function importLegacy(
  text: string,
  base: BoardProfile,
  defined: Readonly<Record<string, string>> = {},
): LegacyImport {
  const header = preprocess(text, defined);
  const draft: Draft = {
    options: { ...base.options },
    intervals: {},
    taken: [],
    covered: [],
    without: [],
  };
  const names = new Set([...header.macros.keys(), ...header.undefined, ...FLAG_KNOBS]);
  let found = 0;
  for (const name of names) {
    const knob = Object.hasOwn(defined, name) ? undefined : knobOf(name);
    if (knob === undefined) continue;
    if (header.macros.has(name)) found += 1;
    if (knob === "unknown") draft.without.push(`${name}: not a setting that is known`);
    else apply(draft, header, name, knob);
  }
  if (found === 0) throw new BoardError("defines no ASC_ setting: is this an asc_config.h?");
  draft.without.push(...header.ignored.map((what) => `${what}: not read`));
  return {
    profile: {
      ...base,
      ...draft.intervals,
      name: `imported-${base.name}`.slice(0, 60),
      options: draft.options,
      notes: [...base.notes.slice(0, 7), "Options were taken from an asc_config.h."],
    },
    taken: draft.taken,
    covered: draft.covered,
    without: draft.without,
  };
}

function apply(draft: Draft, header: Preprocessed, name: string, knob: Knob): void {
  const isDefined = header.macros.has(name);
  switch (knob.kind) {
    case "flag":
      setOption(draft, name, knob.option, Number(isDefined), isDefined ? "defined" : "not defined");
      return;
    case "number":
    case "interval":
      applyNumber(draft, header, name, knob);
      return;
    case "covered":
      if (isDefined) draft.covered.push(`${name}: ${knob.how}`);
      return;
    case "none":
      if (isDefined) draft.without.push(`${name}: ${knob.why}`);
  }
}

function applyNumber(
  draft: Draft,
  header: Preprocessed,
  name: string,
  knob: Extract<Knob, { kind: "number" | "interval" }>,
): void {
  if (!header.macros.has(name)) return;
  const value = header.integer(name);
  if (value === undefined) {
    draft.without.push(`${name}: its value is no integer`);
  } else if (knob.kind === "number") {
    setOption(draft, name, knob.option, value, String(value));
  } else {
    const seconds = Math.min(Math.max(value, 1), INTERVAL_S_MAX);
    draft.intervals[knob.field] = seconds;
    draft.taken.push(
      `${name} ${value} -> ${knob.field} ${seconds}${seconds === value ? "" : ", the nearest possible"}`,
    );
  }
}

function setOption(draft: Draft, name: string, option: string, value: number, shown: string): void {
  const known = (OPTIONS as Readonly<Record<string, { min: number; max: number }>>)[option];
  if (known === undefined) {
    if (value !== 0) draft.without.push(`${name}: this core has no option ${option}`);
    return;
  }
  const nearest = Math.min(Math.max(value, known.min), known.max);
  const remark = nearest === value ? "" : ", the nearest possible";
  draft.options[option] = nearest;
  draft.taken.push(`${name} ${shown} -> ${option} ${nearest}${remark}`);
}

/** Generates the table of properties in `docs/twin.md` from `wire/twin-properties.ts`. */
import { TWIN_PROPERTIES, type TwinProperty } from "../wire/twin-properties.ts";

const BEGIN = "<!-- Generated from wire/twin-properties.ts: begin -->";
const END = "<!-- Generated: end -->";
const VALUES: Readonly<Partial<Record<TwinProperty["kind"], string>>> = {
  priority: "High, Low, Off",
  boolean: "true, false",
  disabled: "true, false, also as text True, False",
  frequency: "High, Low; Medium counts as High",
  duration: "duration above 0; above P7D counts as P7D",
  intervals: "three whole minutes, 1 to 9999, not descending",
};

/**
 * The page with its tables as they are to be.
 *
 * @throws Error with one line when the page has lost its marks
 */
export function twinPage(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`docs/twin.md: no line "${BEGIN}", or no "${END}"`);
  const tables = [table("object"), "", table("flat")].join("\n");
  return `${page.slice(0, begin + BEGIN.length)}\n\n${tables}\n\n${page.slice(end)}`;
}

function table(style: TwinProperty["style"]): string {
  const rows = TWIN_PROPERTIES.flatMap((property, number) =>
    property.style === style ? [row(property, number)] : [],
  );
  return [
    "| number | property | values | default | source | |",
    "|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

function row(property: TwinProperty, number: number): string {
  const { name, kind, default: usual = "", source, doc, permanent } = property;
  const kept = kind === "priority" ? "; cannot be switched off: Low" : ", as far as they can be";
  const note = permanent ? doc + kept : doc;
  return `| ${number} | \`${name}\` | ${VALUES[kind] ?? size(property)} | ${usual} | ${source} | ${note} |`;
}

function size({ min, max = 0, unit }: TwinProperty): string {
  return max < Number.MAX_SAFE_INTEGER ? `${min} to ${max} ${unit}` : `${min} ${unit} and more`;
}

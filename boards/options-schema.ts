/** The options as JSON Schema and as a page for readers, from the one table. */
import { OPTIONS, type Option, type OptionName } from "./options.ts";

const RULES: Readonly<Record<string, object>> = {
  "power of two": { enum: Array.from({ length: 25 }, (_, power) => 2 ** power) },
  "multiple of 4": { multipleOf: 4 },
};

function optionSchema(option: Option): object {
  const { doc, unit, min, max, rule } = option;
  const range = { description: `${doc}; ${unit}`, type: "integer", minimum: min, maximum: max };
  return { ...range, default: option.default, ...(rule === undefined ? {} : RULES[rule]) };
}

/** JSON Schema of options that differ from their defaults; contradictions are not in it. */
export const OPTIONS_SCHEMA = {
  type: "object",
  additionalProperties: false,
  properties: Object.fromEntries(
    Object.entries(OPTIONS).map(([name, option]) => [name, optionSchema(option)]),
  ) as Readonly<Record<OptionName, object>>,
};

function describeRow([name, option]: [string, Option]): string {
  const { doc, unit, min, max, costs, collector, rule, needs } = option;
  const remarks = [
    collector === undefined ? "" : `events: ${collector}`,
    rule === undefined ? "" : `a ${rule}`,
    needs === undefined ? "" : `needs ${needs.join(" or ")}`,
  ];
  const cells = [
    `\`${name}\``,
    doc,
    unit,
    String(option.default),
    `${min} to ${max}`,
    costs,
    remarks.filter((text) => text !== "").join("; "),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** Contents of docs/options.md. */
export function renderOptionsPage(): string {
  return `<!-- Made from boards/options.ts by \`npm run generate\`; do not edit. -->
# Options of the core

The core's sizes and collectors are chosen when it is built. \`picket config BOARD --set OPTION=VALUE\`
builds it and says what it takes; \`docs/FOOTPRINT.md\` has the bytes of every option. An option that
is 0 is not in the module at all. \`assembly/options.ts\`, the C header \`picket_config.h\` and the JSON
Schema of profiles come from the same table.

| option | what | unit | default | range | costs | remarks |
|---|---|---|---|---|---|---|
${Object.entries(OPTIONS).map(describeRow).join("\n")}

Besides: \`STORE_BYTES\` must hold an event of \`EVENT_BYTES_MAX\` and 42 bytes, \`MESSAGE_BYTES_MAX\` one
and 64 bytes.
`;
}

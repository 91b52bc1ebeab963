/**
 * Every alert and recommendation: type id, documented name, other names in use, severity, what it
 * means and what to do. Type ids with odd spelling are the published ones; queries use them.
 */
import type { Severity } from "./alerts.ts";
import { AGENT_ALERTS } from "./catalogue-agent.ts";
import { HUB_ALERTS } from "./catalogue-hub.ts";
import { PICKET_ALERTS } from "./catalogue-picket.ts";
import { RECOMMENDATIONS } from "./catalogue-recommendations.ts";

export interface CatalogueEntry {
  readonly type: string;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly severity: Severity;
  readonly description: string;
  readonly remediation: string;
  readonly kind: "alert" | "recommendation";
  /** What the evidence comes from. */
  readonly source: "agent" | "hub" | "picket";
  /** False: documented for other systems; nothing that our agent or hub reports can show it. */
  readonly raised: boolean;
}

/** One catalogue row: type, name, severity, description, remediation. */
export type Row = readonly [
  type: string,
  name: string,
  severity: "H" | "M" | "L",
  description: string,
  remediation: string,
  aliases?: readonly string[],
];

const SEVERITIES = { H: "High", M: "Medium", L: "Low" } as const;

function entries(
  rows: readonly Row[],
  kind: CatalogueEntry["kind"],
  source: CatalogueEntry["source"],
  raised: boolean,
): CatalogueEntry[] {
  return rows.map(([type, name, severity, description, remediation, aliases = []]) => ({
    type,
    name,
    aliases,
    severity: SEVERITIES[severity],
    description,
    remediation,
    kind,
    source,
    raised,
  }));
}

export const CATALOGUE: readonly CatalogueEntry[] = [
  ...entries(HUB_ALERTS.builtIn, "alert", "hub", true),
  ...entries(HUB_ALERTS.custom, "alert", "hub", true),
  ...entries(AGENT_ALERTS.raised, "alert", "agent", true),
  ...entries(AGENT_ALERTS.custom, "alert", "agent", true),
  ...entries(AGENT_ALERTS.elsewhere, "alert", "agent", false),
  ...entries(PICKET_ALERTS, "alert", "picket", true),
  ...entries(RECOMMENDATIONS.raised, "recommendation", "hub", true),
  ...entries(RECOMMENDATIONS.elsewhere, "recommendation", "hub", false),
];

const byType = new Map(CATALOGUE.map((entry) => [entry.type, entry]));
const byName = new Map(
  CATALOGUE.flatMap((entry) =>
    [entry.type, entry.name, ...entry.aliases].map((name) => [name.toLowerCase(), entry]),
  ),
);

/** Type of the alerts of custom rules that name no type of their own. */
export const CUSTOM_RULE_TYPE = "Picket_CustomRule";

/** The entry of a type; that of custom rules for a type which is not in the catalogue. */
export function catalogueEntry(type: string): CatalogueEntry {
  return byType.get(type) ?? (byType.get(CUSTOM_RULE_TYPE) as CatalogueEntry);
}

/** Finds an entry by type id, name or alias, whatever the case; undefined: there is none. */
export function findEntry(text: string): CatalogueEntry | undefined {
  return byName.get(text.trim().toLowerCase());
}

/** Type ids of entries that have the text in their type id or name, at most `most`. */
export function similarTypes(text: string, most: number): string[] {
  const part = text.trim().toLowerCase();
  if (part === "") return [];
  const found = [...byName].filter(([name]) => name.includes(part)).map(([, { type }]) => type);
  return [...new Set(found)].slice(0, most);
}

/** An alert, or a kind of alert, explained. */
import { BEHAVIOURS } from "./behaviours.ts";
import { type CatalogueEntry, findEntry } from "./catalogue.ts";
import type { Workspace } from "./workspace.ts";

/** Lines for people. @param text id of an alert in the workspace, type id, name or alias */
export async function explain(text: string, workspace: Workspace | null): Promise<string[] | null> {
  if (workspace) {
    const { columns, rows } = await workspace.query(
      "SELECT * FROM SecurityAlert WHERE starts_with(SystemAlertId, $1) LIMIT 1",
      { values: [text] },
    );
    const [row] = rows;
    if (row && text.length >= 4)
      return explainRow(Object.fromEntries(columns.map((c, i) => [c, row[i]])));
  }
  const rule = Object.entries(BEHAVIOURS).find(([name]) => name === text);
  const entry = findEntry(rule ? rule[1].type : text) ?? findEntry(`Picket_${text}`);
  return entry ? explainEntry(entry) : null;
}

function explainRow(row: Record<string, unknown>): string[] {
  const extended = JSON.parse(String(row.ExtendedProperties)) as Record<string, unknown>;
  return [
    `${row.AlertSeverity}: ${row.DisplayName} (${row.AlertType}), ${row.Status}`,
    `device    ${row.CompromisedEntity}, group ${extended.group}`,
    `time      ${row.StartTime} to ${row.EndTime}, ${extended.count} times`,
    `why       ${extended.explanation}`,
    `rule      ${extended.rule}, value ${extended.value}, held against ${JSON.stringify(extended.range)}`,
    `meaning   ${row.Description}`,
    `to do     ${row.RemediationSteps}`,
    `events    ${(extended.events as string[]).join(", ") || "none: time or the hub moved it"}`,
  ];
}

function explainEntry(entry: CatalogueEntry): string[] {
  return [
    `${entry.severity}: ${entry.name} (${entry.type})`,
    ...(entry.aliases.length > 0 ? [`also      ${entry.aliases.join("; ")}`] : []),
    `meaning   ${entry.description}`,
    `to do     ${entry.remediation}`,
    `source    ${entry.source}${entry.raised ? "" : "; not raised here: an RTOS gives no evidence of it"}`,
  ];
}

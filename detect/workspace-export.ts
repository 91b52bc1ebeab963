/** Rows out of the workspace: Parquet files, and what retention lets go. */
import type { Workspace } from "./workspace.ts";

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Writes the rows of a statement to a Parquet file. @throws WorkspaceError */
export async function exportParquet(
  workspace: Workspace,
  sql: string,
  path: string,
): Promise<void> {
  const statement = sql.trim().replace(/;$/, "");
  await workspace.query(
    `COPY (${statement}) TO ${quoted(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
}

export interface Retention {
  /** Rows older than this go, ms; 0: none. Open alerts stay. */
  readonly ageMs: number;
  /** Oldest raw events go until at most so many are left; 0: no limit. */
  readonly rawEventsMax: number;
}

/** Removes what is too old or too much. @returns rows removed from each table */
export async function retain(
  workspace: Workspace,
  retention: Retention,
  nowMs: number,
): Promise<Record<string, number>> {
  const removed: Record<string, number> = {};
  const remove = async (table: string, where: string) => {
    const count = await workspace.change(`DELETE FROM ${table} WHERE ${where}`);
    removed[table] = (removed[table] ?? 0) + count;
  };
  if (retention.ageMs > 0) {
    const before = `make_timestamp(${Math.floor(nowMs - retention.ageMs) * 1000})`;
    await remove("SecurityIoTRawEvent", `TimeGenerated < ${before}`);
    await remove("PicketDeadLetter", `TimeGenerated < ${before}`);
    await remove("SecurityAlert", `EndTime < ${before} AND Status <> 'New'`);
    await remove(
      "SecurityRecommendation",
      `TimeGenerated < ${before} AND RecommendationState <> 'Active'`,
    );
  }
  if (retention.rawEventsMax > 0) {
    await remove(
      "SecurityIoTRawEvent",
      `rowid IN (SELECT rowid FROM SecurityIoTRawEvent ORDER BY TimeGenerated DESC, rowid DESC
        OFFSET ${Math.floor(retention.rawEventsMax)})`,
    );
  }
  return removed;
}

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
  /**
   * Oldest events, then dead letters, then closed alerts go until the database takes so many bytes
   * or fewer; 0 or absent: no limit. Freed blocks are used again, and cut off at the file's end.
   */
  readonly bytesMax?: number;
}

/** Tables and indexes alone take less; a lower limit would leave nothing. */
export const BYTES_MAX_LEAST = 16 * 2 ** 20;
/** Of the rows of a table, at least so many go at once. */
const SHARE_MIN = 0.1;
const PASSES_MAX = 20;

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
  await limitBytes(workspace, retention.bytesMax ?? 0, remove);
  return removed;
}

/** Bytes of the blocks in use; 0 for a workspace in memory. */
export async function usedBytes(workspace: Workspace): Promise<number> {
  const { rows } = await workspace.query(
    "SELECT (used_blocks * block_size)::DOUBLE FROM pragma_database_size()",
  );
  return Number(rows[0]?.[0] ?? 0);
}

async function limitBytes(
  workspace: Workspace,
  bytesMax: number,
  remove: (table: string, where: string) => Promise<void>,
): Promise<void> {
  if (bytesMax === 0) return;
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    // Until then the log holds what was written, and deleted rows keep their blocks.
    await workspace.change("CHECKPOINT");
    const used = await usedBytes(workspace);
    if (used <= bytesMax) return;
    const victim = await oldestRows(workspace);
    if (!victim) return;
    const { table, where, time, rows } = victim;
    const count = Math.ceil(rows * Math.max(SHARE_MIN, 1 - bytesMax / used));
    await remove(
      table,
      `rowid IN (SELECT rowid FROM ${table} WHERE ${where} ORDER BY ${time}, rowid LIMIT ${count})`,
    );
    // Blocks are freed with whole row groups, which may be larger than what went: written anew.
    await rewrite(workspace, table);
  }
}

async function rewrite(workspace: Workspace, table: string): Promise<void> {
  try {
    await workspace.change(
      `BEGIN; CREATE TABLE Kept AS FROM ${table}; DROP TABLE ${table};
       ALTER TABLE Kept RENAME TO ${table}; COMMIT`,
    );
  } catch (error) {
    await workspace.change("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

const VICTIMS = [
  { table: "SecurityIoTRawEvent", where: "true", time: "TimeGenerated" },
  { table: "PicketDeadLetter", where: "true", time: "TimeGenerated" },
  { table: "SecurityAlert", where: "Status <> 'New'", time: "EndTime" },
] as const;

/** The first table that has rows to spare, with their number; null: there is none. */
async function oldestRows(workspace: Workspace) {
  for (const victim of VICTIMS) {
    const result = await workspace.query(
      `SELECT count(*)::DOUBLE FROM ${victim.table} WHERE ${victim.where}`,
    );
    const rows = Number(result.rows[0]?.[0] ?? 0);
    if (rows > 0) return { ...victim, rows };
  }
  return null;
}

/** What is written to the workspace: rows wait, and go in one transaction. */
import { type DuckDBAppender, type DuckDBConnection, DuckDBTimestampValue } from "@duckdb/node-api";
import type { Workspace } from "./workspace.ts";
import { firstLine, WorkspaceError } from "./workspace-error.ts";
import { type Cell, KEYS, type RowOf, TABLES, type TableName } from "./workspace-schema.ts";

/** Rows that wait, and the one statement or transaction that writes at a time. */
type Writing = Pick<Workspace, "append" | "pending" | "commit" | "change"> & {
  readonly isRunning: boolean;
};

export function createWriting(writer: DuckDBConnection): Writing {
  let waiting = new Map<TableName, RowOf<TableName>[]>();
  let pending = 0;
  let running: Promise<void> | null = null;
  let following: Promise<void> | null = null;

  const write = async () => {
    const batch = waiting;
    waiting = new Map();
    pending = 0;
    if (batch.size === 0) return;
    await writeBatch(writer, batch).catch((error) => {
      // What could not be stored goes first in the next commit: nothing is lost.
      for (const [table, rows] of batch) {
        pending += rows.length;
        waiting.set(table, [...rows, ...(waiting.get(table) ?? [])]);
      }
      throw error;
    });
  };
  const commit = (): Promise<void> => {
    if (running === null) {
      running = write().finally(() => {
        running = null;
      });
      return running;
    }
    following ??= running
      .catch(() => undefined)
      .then(() => {
        following = null;
        return commit();
      });
    return following;
  };
  return {
    append(table, rows) {
      const list = waiting.get(table);
      if (list) for (const row of rows) list.push(row);
      else waiting.set(table, [...rows]);
      pending += rows.length;
    },
    get pending() {
      return pending;
    },
    get isRunning() {
      return running !== null;
    },
    commit,
    async change(sql) {
      // After what waits, and never within a commit's transaction.
      while (running) await running.catch(() => undefined);
      let changed = 0;
      running = writer
        .run(sql)
        .then((result) => {
          changed = Number(result.rowsChanged);
        })
        .catch((cause) => {
          throw new WorkspaceError(`workspace: ${firstLine(cause)}`, { cause });
        })
        .finally(() => {
          running = null;
        });
      await running;
      return changed;
    },
  };
}

async function writeBatch(
  connection: DuckDBConnection,
  batch: ReadonlyMap<TableName, readonly RowOf<TableName>[]>,
): Promise<void> {
  await connection.run("BEGIN");
  try {
    for (const [table, rows] of batch) {
      const key = KEYS[table];
      if (key === undefined) await appendRows(connection, table, rows);
      else await replaceRows(connection, table, key, rows);
    }
    await connection.run("COMMIT");
  } catch (cause) {
    await connection.run("ROLLBACK").catch(() => undefined);
    throw new WorkspaceError(`workspace: rows were not stored: ${firstLine(cause)}`, { cause });
  }
}

async function replaceRows(
  connection: DuckDBConnection,
  table: TableName,
  key: string,
  rows: readonly RowOf<TableName>[],
): Promise<void> {
  const last = new Map(rows.map((row) => [(row as Record<string, Cell>)[key], row]));
  await connection.run(`CREATE OR REPLACE TEMP TABLE Batch AS FROM ${table} LIMIT 0`);
  await appendRows(connection, table, [...last.values()], "Batch");
  await connection.run(`DELETE FROM ${table} WHERE "${key}" IN (SELECT "${key}" FROM Batch)`);
  await connection.run(`INSERT INTO ${table} FROM Batch`);
}

async function appendRows(
  connection: DuckDBConnection,
  table: TableName,
  rows: readonly RowOf<TableName>[],
  into: string = table,
): Promise<void> {
  const appender = await connection.createAppender(into, into === table ? "main" : null);
  const columns = Object.entries(TABLES[table]);
  for (const row of rows) {
    for (const [name, type] of columns) {
      appendCell(appender, type, (row as Record<string, Cell | undefined>)[name]);
    }
    appender.endRow();
  }
  appender.closeSync();
}

function appendCell(appender: DuckDBAppender, type: string, cell: Cell | undefined): void {
  if (cell === undefined || cell === null) appender.appendNull();
  else if (type === "VARCHAR") appender.appendVarchar(String(cell));
  else if (type === "BOOLEAN") appender.appendBoolean(cell === true);
  else if (type === "DOUBLE") appender.appendDouble(Number(cell));
  else appender.appendTimestamp(timestamp(cell));
}

export function timestamp(cell: Cell): DuckDBTimestampValue {
  const ms = cell instanceof Date ? cell.getTime() : Number(cell);
  return new DuckDBTimestampValue(BigInt(Math.round(ms)) * 1000n);
}

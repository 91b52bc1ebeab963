/**
 * The workspace: a DuckDB database, in a file or in memory. Rows wait for `commit`, which writes
 * them in one transaction; when it resolves, they survive the end of the process.
 */
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBType,
  DuckDBTypeId,
  StatementType,
} from "@duckdb/node-api";
import { firstLine, WorkspaceError } from "./workspace-error.ts";
import { type Cell, createTablesSql, type RowOf, type TableName } from "./workspace-schema.ts";
import { createWriting, timestamp } from "./workspace-writing.ts";

export { WorkspaceError } from "./workspace-error.ts";

export interface QueryResult {
  readonly columns: readonly string[];
  /** Cells as JSON values: times as ISO 8601 texts, 64-bit integers as numbers or texts. */
  readonly rows: readonly (readonly unknown[])[];
  /** There were more rows than asked for. */
  readonly truncated: boolean;
}

export interface Workspace {
  /** Queues rows for the next `commit`; of equal keys the last counts. */
  append<T extends TableName>(table: T, rows: readonly RowOf<T>[]): void;
  /** Rows that wait. */
  readonly pending: number;
  /** Writes what waits in one transaction. Calls made meanwhile share the next one. */
  commit(): Promise<void>;
  /** Runs one statement. @throws WorkspaceError one line */
  query(
    sql: string,
    options?: { values?: readonly Cell[]; rowsMax?: number },
  ): Promise<QueryResult>;
  /**
   * Runs one SELECT of a stranger: nothing is changed, and after a time it is stopped.
   *
   * @throws WorkspaceError for any other statement
   */
  select(sql: string, options?: { rowsMax?: number; msMax?: number }): Promise<QueryResult>;
  /** Runs one statement that changes rows, between commits. @returns rows changed */
  change(sql: string): Promise<number>;
  close(): Promise<void>;
}

/**
 * Opens the workspace and makes the tables that are missing.
 *
 * @param path file, or ":memory:"
 * @param options readOnly: for queries beside a running service is not possible (DuckDB locks the
 *   file); it opens a file that nobody writes
 *   isolated: statements reach no file but this one
 * @throws WorkspaceError when the file is locked, damaged or no database
 */
export async function openWorkspace(
  path = ":memory:",
  options: { readOnly?: boolean; isolated?: boolean } = {},
): Promise<Workspace> {
  const config = options.readOnly ? { access_mode: "READ_ONLY" } : undefined;
  const instance = await DuckDBInstance.create(path, config).catch((cause: Error) => {
    throw new WorkspaceError(`workspace ${path}: ${firstLine(cause)}`, { cause });
  });
  const writer = await instance.connect();
  if (!options.readOnly) await writer.run(createTablesSql());
  if (options.isolated) {
    await writer.run("SET enable_external_access=false");
    await writer.run("SET lock_configuration=true");
  }
  const writing = createWriting(writer);
  const { append, commit, change } = writing;
  return {
    append,
    get pending() {
      return writing.pending;
    },
    commit,
    change,
    async query(sql, { values = [], rowsMax = 100_000 } = {}) {
      // A connection of its own: a second statement on one ends the rows of the first.
      const connection = await instance.connect();
      try {
        return await runQuery(connection, sql, values, rowsMax);
      } finally {
        connection.closeSync();
      }
    },
    async select(sql, { rowsMax = 1000, msMax = 10_000 } = {}) {
      const connection = await instance.connect();
      const timer = setTimeout(() => connection.interrupt(), msMax);
      try {
        await checkSelect(connection, sql);
        return await runQuery(connection, sql, [], rowsMax);
      } finally {
        clearTimeout(timer);
        connection.closeSync();
      }
    },
    async close() {
      if (writing.pending > 0 || writing.isRunning) await commit().catch(() => undefined);
      writer.closeSync();
      instance.closeSync();
    },
  };
}

async function checkSelect(connection: DuckDBConnection, sql: string): Promise<void> {
  let type: number | undefined;
  try {
    const statements = await connection.extractStatements(sql);
    if (statements.count === 1) {
      const prepared = await statements.prepare(0);
      type = prepared.statementType;
      prepared.destroySync();
    }
  } catch (cause) {
    throw new WorkspaceError(`query: ${firstLine(cause)}`, { cause });
  }
  if (type !== StatementType.SELECT) throw new WorkspaceError("query: give one SELECT statement");
}

async function runQuery(
  connection: DuckDBConnection,
  sql: string,
  values: readonly Cell[],
  rowsMax: number,
): Promise<QueryResult> {
  try {
    if (/;|^\s*$/.test(sql)) await checkSingle(connection, sql);
    const given = values.map((cell) => (cell instanceof Date ? timestamp(cell) : cell));
    const result = await connection.streamAndReadUntil(sql, rowsMax + 1, given);
    const types = result.columnTypes();
    const rows = result.getRowsJson().map((row) => row.map((cell, i) => plainCell(cell, types[i])));
    return {
      columns: result.columnNames(),
      rows: rows.slice(0, rowsMax),
      truncated: rows.length > rowsMax,
    };
  } catch (cause) {
    if (cause instanceof WorkspaceError) throw cause;
    throw new WorkspaceError(`query: ${firstLine(cause)}`, { cause });
  }
}

/** The engine runs several statements and shows the last: what else was meant would be lost. */
async function checkSingle(connection: DuckDBConnection, sql: string): Promise<void> {
  const count = sql.trim() === "" ? 0 : (await connection.extractStatements(sql)).count;
  if (count !== 1) throw new WorkspaceError(`query: give one statement, not ${count}`);
}

/** 64-bit integers as numbers where they fit, times as ISO 8601, UTC. */
function plainCell(cell: unknown, type: DuckDBType | undefined): unknown {
  if (typeof cell !== "string") return cell;
  switch (type?.typeId) {
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.HUGEINT:
      return Number.isSafeInteger(Number(cell)) ? Number(cell) : cell;
    case DuckDBTypeId.TIMESTAMP:
      return `${cell.replace(" ", "T")}Z`;
    default:
      return cell;
  }
}

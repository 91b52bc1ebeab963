/** What `picket query` does. */
import { statSync } from "node:fs";
import { renderResult } from "../detect/query-text.ts";
import { openWorkspace, WorkspaceError } from "../detect/workspace.ts";
import { exportParquet } from "../detect/workspace-export.ts";
import { UserError } from "./errors.ts";

export interface QueryFlags {
  readonly workspace: string;
  readonly format: "table" | "csv" | "json";
  readonly json?: true;
  readonly parquet?: string;
}

export async function query(sql: string, flags: QueryFlags): Promise<void> {
  if (!statSync(flags.workspace, { throwIfNoEntry: false })?.isFile()) {
    throw new UserError(`${flags.workspace}: no such file; name the workspace with --workspace`);
  }
  try {
    const workspace = await openWorkspace(flags.workspace, { readOnly: true });
    if (flags.parquet) {
      await exportParquet(workspace, sql, flags.parquet);
      process.stderr.write(`wrote ${flags.parquet}\n`);
    } else {
      const result = await workspace.query(sql);
      process.stdout.write(renderResult(result, flags.json ? "json" : flags.format));
      if (result.truncated) process.stderr.write("picket: more rows were left out; use LIMIT\n");
    }
    await workspace.close();
  } catch (error) {
    if (!(error instanceof WorkspaceError)) throw error;
    throw new UserError(error.message, 1, { cause: error });
  }
}

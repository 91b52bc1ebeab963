/** `picket query`: SQL over the workspace. */
import { statSync } from "node:fs";
import { type Command, Option } from "commander";
import { renderResult } from "../../detect/query-text.ts";
import { openWorkspace, WorkspaceError } from "../../detect/workspace.ts";
import { exportParquet } from "../../detect/workspace-export.ts";
import { UserError } from "../errors.ts";

const WORKSPACE = "picket.duckdb";

interface Flags {
  readonly workspace: string;
  readonly format: "table" | "csv" | "json";
  readonly json?: true;
  readonly parquet?: string;
}

export function register(program: Command): void {
  program
    .command("query")
    .description(
      "run SQL over the workspace (SecurityIoTRawEvent, SecurityAlert, SecurityRecommendation)",
    )
    .argument("<sql>", "one statement; the workspace is opened for reading only")
    .option("--workspace <file>", "DuckDB file of the detection service", WORKSPACE)
    .addOption(
      new Option("--format <name>", "output").choices(["table", "csv", "json"]).default("table"),
    )
    .option("--json", "the same as --format json")
    .option("--parquet <file>", "write the rows to a Parquet file instead")
    .addHelpText(
      "after",
      `
Examples:
  picket query "SELECT DisplayName, CompromisedEntity, StartTime FROM SecurityAlert"
  picket query "SELECT * FROM SecurityIoTRawEvent" --parquet events.parquet`,
    )
    .action(run);
}

async function run(sql: string, flags: Flags): Promise<void> {
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

/** `picket query`: SQL over the workspace. */
import { type Command, Option } from "commander";
import type { QueryFlags } from "../query.ts";

const WORKSPACE = "picket.duckdb";

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
    .action(async (sql: string, flags: QueryFlags) =>
      (await import("../query.ts")).query(sql, flags),
    );
}

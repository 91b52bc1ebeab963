/** `picket rules`: test rule files, explain alerts, tell why a rule is quiet. */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { buildCore } from "../../boards/build.ts";
import type { DeviceState } from "../../detect/detection.ts";
import { explain } from "../../detect/explain.ts";
import { loadRules } from "../../detect/rule-files.ts";
import { type RuleTestPorts, runRuleTest } from "../../detect/rule-test.ts";
import { whyNot } from "../../detect/why-not.ts";
import { openWorkspace } from "../../detect/workspace.ts";
import { parseDeviceAddresses } from "../../host/netx/address.ts";
import { readCapture } from "../../sim/capture.ts";
import { REPLAY_OPTIONS, replay } from "../../sim/replay.ts";
import { UserError } from "../errors.ts";
import { readInput } from "../files.ts";

const FILE_BYTES_MAX = 2 ** 30;
const WORKSPACE = "picket.duckdb";

export function register(program: Command): void {
  const rules = program.command("rules").description("test and explain detection rules");
  rules
    .command("test")
    .description("run the rule tests (*.test.json) of a folder; exit status 1 if one fails")
    .argument("<dir>", "folder with rule files, tests and captures")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  picket rules test docs/examples/rules")
    .action(test);
  rules
    .command("explain")
    .description("what an alert means and what to do")
    .argument("<alert>", "id of an alert in the workspace, type id, or name")
    .option("--workspace <file>", "workspace to look for alerts in")
    .addHelpText(
      "after",
      `
Examples:
  picket rules explain IoT_TiConnection
  picket rules explain 1f0c9a77 --workspace ${WORKSPACE}`,
    )
    .action(explainAlert);
  rules
    .command("why-not")
    .description("last values of a rule on a device, and how far they are from firing")
    .argument("<rule>", "rule type, behaviour, baseline.METRIC, or name of a custom rule")
    .argument("<device>", "device id")
    .option("--workspace <file>", "workspace that holds the device's state", WORKSPACE)
    .option("--rules <file>", "the rule file that the service runs with")
    .addHelpText(
      "after",
      `
Examples:
  picket rules why-not MqttC2DMessagesNotInAllowedRange pump-7 --rules rules.json
  picket rules why-not portScan pump-7`,
    )
    .action(tellWhyNot);
}

async function test(dir: string, flags: { json?: true }): Promise<void> {
  const names = list(dir).filter((name) => name.endsWith(".test.json"));
  if (names.length === 0) throw new UserError(`${dir}: holds no *.test.json`);
  const { wasm } = await buildCore({ ...REPLAY_OPTIONS });
  const results = names.sort().map((name) => {
    const path = join(dir, name);
    try {
      return { file: path, ...runRuleTest(readText(path), path, ports(dirname(path), wasm)) };
    } catch (error) {
      if ((error as Error).name !== "RuleError") throw error;
      throw new UserError((error as Error).message, 1, { cause: error });
    }
  });
  const failed = results.filter(({ failures }) => failures.length > 0);
  if (flags.json) process.stdout.write(`${JSON.stringify({ tests: results })}\n`);
  else {
    for (const { file, name, failures } of results) {
      process.stdout.write(`${failures.length === 0 ? "ok  " : "FAIL"} ${file}: ${name}\n`);
      for (const failure of failures) process.stdout.write(`     ${failure}\n`);
    }
    process.stdout.write(`${results.length - failed.length} of ${results.length} passed\n`);
  }
  if (failed.length > 0) process.exitCode = 1;
}

function ports(folder: string, wasm: Uint8Array): RuleTestPorts {
  return {
    readFile: (path) => readText(join(folder, path)),
    replay(file, device, intervalMs) {
      const path = join(folder, file);
      const messages: { timeMs: number; bytes: Uint8Array }[] = [];
      replay({
        capture: readCapture(readInput(path, FILE_BYTES_MAX), path),
        addresses: parseDeviceAddresses(device),
        wasm,
        intervalMs,
        onMessage: (message) => messages.push(message),
      });
      return messages;
    },
  };
}

async function explainAlert(alert: string, flags: { workspace?: string }): Promise<void> {
  const workspace = flags.workspace ? await open(flags.workspace) : null;
  const lines = await explain(alert, workspace);
  await workspace?.close();
  if (!lines) throw new UserError(`"${alert}": no such alert, type id or name`);
  process.stdout.write(`${lines.join("\n")}\n`);
}

async function tellWhyNot(
  rule: string,
  device: string,
  flags: { workspace: string; rules?: string },
): Promise<void> {
  const options = flags.rules ? loadOptions(flags.rules) : {};
  const workspace = await open(flags.workspace);
  const { rows } = await workspace.query(
    "SELECT State FROM PicketDeviceState WHERE DeviceId = $1",
    { values: [device] },
  );
  await workspace.close();
  const [row] = rows;
  if (!row) throw new UserError(`${flags.workspace}: knows no device "${device}"`);
  const state = JSON.parse(String(row[0])) as DeviceState;
  process.stdout.write(`${whyNot(state, options, rule).join("\n")}\n`);
}

function loadOptions(path: string) {
  try {
    return loadRules(readText(path), path);
  } catch (error) {
    throw new UserError((error as Error).message, 1, { cause: error });
  }
}

async function open(path: string) {
  readInput(path, Number.MAX_SAFE_INTEGER);
  return openWorkspace(path, { readOnly: true }).catch((error: Error) => {
    throw new UserError(error.message, 1, { cause: error });
  });
}

const readText = (path: string) => Buffer.from(readInput(path, FILE_BYTES_MAX)).toString("utf8");

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    throw new UserError(`${dir}: no such folder`, 1, { cause: error });
  }
}

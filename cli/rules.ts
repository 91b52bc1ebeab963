/** What `picket rules` does. */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildCore } from "../boards/build.ts";
import { similarTypes } from "../detect/catalogue.ts";
import type { DeviceState } from "../detect/detection.ts";
import { explain } from "../detect/explain.ts";
import { loadRules } from "../detect/rule-files.ts";
import { type RuleTestPorts, runRuleTest } from "../detect/rule-test.ts";
import { whyNot } from "../detect/why-not.ts";
import { openWorkspace } from "../detect/workspace.ts";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import { readCapture } from "../sim/capture.ts";
import { REPLAY_OPTIONS, replay } from "../sim/replay.ts";
import { UserError } from "./errors.ts";
import { readInput } from "./files.ts";

const FILE_BYTES_MAX = 2 ** 30;
/** Names shown in place of one that is not known. */
const SIMILAR_MAX = 5;

export async function testRules(dir: string, flags: { json?: true }): Promise<void> {
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

export async function explainAlert(alert: string, flags: { workspace?: string }): Promise<void> {
  const workspace = flags.workspace ? await open(flags.workspace) : null;
  const lines = await explain(alert, workspace);
  await workspace?.close();
  if (!lines) {
    const similar = similarTypes(alert, SIMILAR_MAX);
    const hint = similar.length > 0 ? `; similar are ${similar.join(", ")}` : "";
    throw new UserError(`"${alert}": no such alert, type id or name${hint}`);
  }
  process.stdout.write(`${lines.join("\n")}\n`);
}

export async function tellWhyNot(
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

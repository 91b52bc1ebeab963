/** `picket sim fleet`: thousands of boards, and what they cost. */
import { readFileSync } from "node:fs";
import { buildCore } from "../boards/build.ts";
import { durationMs } from "../sim/duration.ts";
import { type FleetDescription, parseFleet, TELEMETRY_FLEET } from "../sim/fleet/description.ts";
import { createFleet, fleetName } from "../sim/fleet/fleet.ts";
import { summarise, summaryText } from "../sim/fleet/summary.ts";
import { DEFAULT_START } from "../sim/scenario.ts";
import { MODULE_ID } from "../sim/watcher.ts";
import { SECURITY_INTERFACE_ID } from "../wire/events.ts";
import { TWIN_OBJECT } from "../wire/twin-properties.ts";
import { UserError } from "./errors.ts";
import { createScreen } from "./screen.ts";
import { createDetector } from "./sim-detector.ts";

export interface FleetFlags {
  readonly boards?: number;
  readonly hours?: number;
  readonly high?: string;
  readonly low?: string;
  readonly seed?: number;
  readonly sample?: number;
  readonly detect?: true;
  readonly hub?: string;
  readonly json?: true;
}

const HOUR_MS = 3_600_000;

/** @returns the exit status */
export async function fleet(file: string | undefined, flags: FleetFlags): Promise<number> {
  const described = withFlags(file === undefined ? TELEMETRY_FLEET : readFleet(file), flags);
  if (flags.hub !== undefined) {
    const { driveHub } = await import("./sim-hub.ts");
    return driveHub(flags.hub, described, flags);
  }
  const boards = Math.min(described.boards, flags.sample ?? described.boards);
  const scale = described.boards / boards;
  const { wasm } = await buildCore(described.options ?? {});
  const startWallS = Date.parse(DEFAULT_START) / 1000;
  const screen = createScreen(process.stderr);
  const detector = flags.detect ? createDetector() : undefined;
  const alerts = new Set<string>();
  const types = new Map<string, number>();
  const simulated = createFleet({
    fleet: { ...described, boards },
    wasm,
    seed: flags.seed ?? 1,
    startWallS,
    ...(detector && {
      onMessage(board: number, timeMs: number, body: Uint8Array) {
        const found = detector.message({
          deviceId: fleetName(board),
          moduleId: MODULE_ID,
          body,
          systemProperties: { "iothub-interface-id": SECURITY_INTERFACE_ID },
          enqueuedTimeMs: startWallS * 1000 + timeMs,
        });
        for (const { id, type } of found) {
          if (alerts.has(id)) continue;
          alerts.add(id);
          types.set(type, (types.get(type) ?? 0) + 1);
        }
      },
    }),
    onProgress: (nowMs) =>
      screen.block(`${boards} boards  ${nowMs / HOUR_MS} of ${described.hours} h\n`),
  });
  simulated.run(described.hours * HOUR_MS);
  screen.block("");
  screen.end();
  const summary = summarise(simulated.totals(), alerts.size, scale);
  const alertTypes = Object.fromEntries(types);
  if (flags.json) {
    const name = described.name;
    process.stdout.write(
      `${JSON.stringify({ name, simulated: boards, ...summary, alertTypes })}\n`,
    );
    return 0;
  }
  process.stdout.write(summaryText(summary));
  for (const [type, count] of types) process.stdout.write(`${count} x ${type}\n`);
  return 0;
}

function readFleet(file: string): FleetDescription {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UserError(`${file}: cannot be read (${code})`, 1, { cause });
  }
  return parseFleet(text, file);
}

function withFlags(described: FleetDescription, flags: FleetFlags): FleetDescription {
  const { boards = described.boards, hours = described.hours, high, low } = flags;
  const changed = {
    ...(high && { highPriorityMessageFrequency: { value: isoDuration(high, "--high") } }),
    ...(low && { lowPriorityMessageFrequency: { value: isoDuration(low, "--low") } }),
  };
  if (Object.keys(changed).length === 0) return { ...described, boards, hours };
  const before = (described.twin ?? {}) as Record<string, object>;
  const twin = { ...before, [TWIN_OBJECT]: { ...before[TWIN_OBJECT], ...changed } };
  return { ...described, boards, hours, twin };
}

function isoDuration(text: string, flag: string): string {
  try {
    return `PT${Math.max(1, Math.round(durationMs(text) / 1000))}S`;
  } catch (cause) {
    throw new UserError(`${flag}: ${(cause as Error).message}`, 2, { cause });
  }
}

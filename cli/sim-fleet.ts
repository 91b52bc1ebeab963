/** `picket sim fleet`: thousands of boards, and what they cost. */
import { readFileSync } from "node:fs";
import { buildCore } from "../boards/build.ts";
import { durationMs } from "../sim/duration.ts";
import { type FleetDescription, parseFleet, TELEMETRY_FLEET } from "../sim/fleet/description.ts";
import { createFleet, fleetName } from "../sim/fleet/fleet.ts";
import {
  changeText,
  costsOf,
  costText,
  type FleetSummary,
  HUB_EDITIONS,
  summarise,
  summaryText,
} from "../sim/fleet/summary.ts";
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
  readonly price?: string;
  readonly json?: true;
}

const HOUR_MS = 3_600_000;

/** @returns the exit status */
export async function fleet(file: string | undefined, flags: FleetFlags): Promise<number> {
  const described = sized(file === undefined ? TELEMETRY_FLEET : readFleet(file), flags);
  const changed = withIntervals(described, flags);
  if (flags.hub !== undefined) {
    const { driveHub } = await import("./sim-hub.ts");
    return driveHub(flags.hub, changed, flags);
  }
  const prices = pricesOf(flags.price);
  const found = await simulate(changed, flags);
  // The question is what a change costs: so the fleet without it is simulated too.
  const before = changed === described ? undefined : await simulate(described, flags);
  const cost = prices && costsOf(found.summary, prices);
  if (flags.json) {
    const { name } = described;
    const was = before && { before: { perDay: before.summary.perDay } };
    const document = { name, simulated: found.simulated, ...found.summary };
    process.stdout.write(
      `${JSON.stringify({ ...document, ...was, ...(cost && { cost }), alertTypes: found.types })}\n`,
    );
    return 0;
  }
  process.stdout.write(summaryText(found.summary));
  if (before) process.stdout.write(changeText(before.summary, found.summary));
  if (cost) process.stdout.write(costText(cost));
  for (const [type, count] of Object.entries(found.types)) {
    process.stdout.write(`${count} x ${type}\n`);
  }
  return 0;
}

interface Found {
  readonly simulated: number;
  readonly summary: FleetSummary;
  readonly types: Readonly<Record<string, number>>;
}

async function simulate(described: FleetDescription, flags: FleetFlags): Promise<Found> {
  const boards = Math.min(described.boards, flags.sample ?? described.boards);
  const { wasm } = await buildCore(described.options ?? {});
  const startWallS = Date.parse(DEFAULT_START) / 1000;
  const screen = createScreen(process.stderr);
  const counter = flags.detect ? createAlertCounter(startWallS) : undefined;
  const simulated = createFleet({
    fleet: { ...described, boards },
    wasm,
    seed: flags.seed ?? 1,
    startWallS,
    ...(counter && { onMessage: counter.take }),
    onProgress: (nowMs) =>
      screen.block(`${boards} boards  ${nowMs / HOUR_MS} of ${described.hours} h\n`),
  });
  simulated.run(described.hours * HOUR_MS);
  screen.block("");
  screen.end();
  const types = counter?.types() ?? {};
  const alerts = Object.values(types).reduce((sum, count) => sum + count, 0);
  const summary = summarise(simulated.totals(), alerts, described.boards / boards);
  return { simulated: boards, summary, types };
}

/** Detection on all messages of a fleet: how many alerts of which type. */
function createAlertCounter(startWallS: number) {
  const detector = createDetector();
  const alerts = new Map<string, string>();
  return {
    take(board: number, timeMs: number, body: Uint8Array): void {
      const found = detector.message({
        deviceId: fleetName(board),
        moduleId: MODULE_ID,
        body,
        systemProperties: { "iothub-interface-id": SECURITY_INTERFACE_ID },
        enqueuedTimeMs: startWallS * 1000 + timeMs,
      });
      for (const { id, type } of found) alerts.set(id, type);
    },
    types(): Record<string, number> {
      const counts: Record<string, number> = {};
      for (const type of alerts.values()) counts[type] = (counts[type] ?? 0) + 1;
      return counts;
    },
  };
}

/** `S1=25,S2=250`: what one hub unit of an edition costs in a month, in any currency. */
function pricesOf(text: string | undefined): ReadonlyMap<string, number> | undefined {
  if (text === undefined) return undefined;
  const prices = new Map<string, number>();
  for (const part of text.split(",")) {
    const [, edition = "", price] = /^([A-Za-z0-9]+)=(\d+(?:\.\d+)?)$/.exec(part.trim()) ?? [];
    if (price === undefined || !Object.hasOwn(HUB_EDITIONS, edition)) {
      const known = Object.keys(HUB_EDITIONS).join(", ");
      throw new UserError(`--price: give EDITION=PRICE of ${known}, as in S1=25,S2=250`, 2);
    }
    prices.set(edition, Number(price));
  }
  return prices;
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

function sized(described: FleetDescription, flags: FleetFlags): FleetDescription {
  const { boards = described.boards, hours = described.hours } = flags;
  return { ...described, boards, hours };
}

/** The same fleet if no interval is changed. */
function withIntervals(described: FleetDescription, { high, low }: FleetFlags): FleetDescription {
  const changed = {
    ...(high && { highPriorityMessageFrequency: { value: isoDuration(high, "--high") } }),
    ...(low && { lowPriorityMessageFrequency: { value: isoDuration(low, "--low") } }),
  };
  if (Object.keys(changed).length === 0) return described;
  const before = (described.twin ?? {}) as Record<string, object>;
  const twin = { ...before, [TWIN_OBJECT]: { ...before[TWIN_OBJECT], ...changed } };
  return { ...described, twin };
}

function isoDuration(text: string, flag: string): string {
  try {
    return `PT${Math.max(1, Math.round(durationMs(text) / 1000))}S`;
  } catch (cause) {
    throw new UserError(`${flag}: ${(cause as Error).message}`, 2, { cause });
  }
}

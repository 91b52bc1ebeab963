/**
 * Speed of the simulator on one core: `npm run bench:sim --json`.
 *
 * board-hours: the telemetry mix (a packet every ten seconds) with the default twin, 1, 1,000 and
 * 100,000 boards. Packets: 1,000 boards with 200 packets a second each, through NetX model, ring,
 * core and its events.
 */
import { buildCore } from "../boards/build.ts";
import { type FleetDescription, TELEMETRY_FLEET } from "../sim/fleet/description.ts";
import { createFleet } from "../sim/fleet/fleet.ts";
import { wantsJson } from "./wants-json.ts";

const START_WALL_S = 1_767_225_600;
const HOUR_MS = 3_600_000;
/** Boards to virtual hours: long enough to be measured, short enough for 100,000. */
const RUNS = { "1": 24 * 365, "1000": 24, "100000": 2 } as const;
const BUSY_MS = 60_000;

const { wasm } = await buildCore();

function measure(fleet: FleetDescription, untilMs: number) {
  const simulated = createFleet({ fleet, wasm, seed: 1, startWallS: START_WALL_S });
  const startMs = performance.now();
  simulated.run(untilMs);
  return { seconds: (performance.now() - startMs) / 1000, totals: simulated.totals() };
}

const boardHoursPerSecond: Record<string, number> = {};
let bytesPerBoard = 0;
let residentBytes = 0;
measure({ ...TELEMETRY_FLEET, boards: 10 }, 24 * HOUR_MS); // Warm.
for (const [boards, hours] of Object.entries(RUNS)) {
  const before = process.memoryUsage.rss();
  const { seconds, totals } = measure(
    { ...TELEMETRY_FLEET, boards: Number(boards) },
    hours * HOUR_MS,
  );
  boardHoursPerSecond[boards] = Math.round((Number(boards) * hours) / seconds);
  bytesPerBoard = Math.round(totals.snapshotBytes / totals.boards);
  residentBytes = Math.max(residentBytes, process.memoryUsage.rss() - before);
}

const busy: FleetDescription = {
  ...TELEMETRY_FLEET,
  boards: 1000,
  startSpread: "0s",
  mix: [
    {
      name: "busy",
      share: 100,
      cycle: "10s",
      traffic: [{ kind: "telemetry", peer: "broker", every: "20ms", bytes: 120 }],
    },
  ],
};
const { seconds, totals } = measure(busy, BUSY_MS);
const result = {
  boardHoursPerSecond,
  bytesPerBoard,
  packetsPerSecond: Math.round(totals.packets / seconds),
  residentBytesPerBoard: Math.round(residentBytes / 100_000),
};
if (wantsJson()) process.stdout.write(`${JSON.stringify(result)}\n`);
else {
  for (const [boards, speed] of Object.entries(boardHoursPerSecond)) {
    process.stdout.write(`${boards} boards: ${speed} board-hours per second\n`);
  }
  process.stdout.write(`${result.bytesPerBoard} bytes kept for each board\n`);
  process.stdout.write(`${result.packetsPerSecond} packets per second at 1000 boards\n`);
}

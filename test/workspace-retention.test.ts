import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ConfigError, parseRunnerConfig } from "../detect/runner-config.ts";
import { openWorkspace, type Workspace } from "../detect/workspace.ts";
import { BYTES_MAX_LEAST, retain, usedBytes } from "../detect/workspace-export.ts";
import { createRandom } from "../scripts/bench-fleet.ts";
import { T0 } from "./support/detect-events.ts";

let folder: string;
let path: string;
let workspace: Workspace;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "picket-retention-"));
  path = join(folder, "picket.duckdb");
  workspace = await openWorkspace(path, { isolated: true });
});
afterEach(async () => {
  await workspace.close();
  await rm(folder, { recursive: true });
});

const ROWS = 100_000;
const MEGABYTE = 2 ** 20;

async function fill(): Promise<void> {
  const random = createRandom(1);
  workspace.append(
    "SecurityIoTRawEvent",
    Array.from({ length: ROWS }, (_, n) => ({
      DeviceId: `device-${n}`,
      EventDetails: JSON.stringify([random(), random(), random(), random()]),
      TimeGenerated: new Date(T0 + n * 1000),
    })),
  );
  await workspace.commit();
}

it("retention: the database takes no more bytes than it may, and the latest events stay", async () => {
  await fill();
  await workspace.change("CHECKPOINT");
  const before = await usedBytes(workspace);
  const bytesMax = 3 * MEGABYTE;
  expect(before).toBeGreaterThan(bytesMax);
  const removed = await retain(workspace, { ageMs: 0, rawEventsMax: 0, bytesMax }, T0);
  expect(await usedBytes(workspace)).toBeLessThanOrEqual(bytesMax);
  expect(removed.SecurityIoTRawEvent).toBeGreaterThan(0);
  const { rows } = await workspace.query(
    "SELECT count(*), epoch_ms(max(TimeGenerated)), epoch_ms(min(TimeGenerated)) FROM SecurityIoTRawEvent",
  );
  const [count, latest, first] = (rows[0] ?? []).map(Number) as [number, number, number];
  expect(count).toBe(ROWS - (removed.SecurityIoTRawEvent ?? 0));
  expect(count).toBeGreaterThan(ROWS / 10);
  expect(latest).toBe(T0 + (ROWS - 1) * 1000);
  expect(first).toBe(T0 + (ROWS - count) * 1000);
});

it("retention: a file that is filled again and again does not grow for ever", async () => {
  const bytesMax = 3 * MEGABYTE;
  for (let round = 0; round < 3; round++) {
    await fill();
    await retain(workspace, { ageMs: 0, rawEventsMax: 0, bytesMax }, T0);
  }
  // One filling beside what may stay, and room that a checkpoint needs.
  expect((await stat(path)).size).toBeLessThan(bytesMax + 20 * MEGABYTE);
  expect(await usedBytes(workspace)).toBeLessThanOrEqual(bytesMax);
});

it("retention: open alerts stay whatever the size; nothing goes below the limit", async () => {
  workspace.append("SecurityAlert", [{ SystemAlertId: "a", Status: "New", EndTime: new Date(T0) }]);
  await workspace.commit();
  expect(await retain(workspace, { ageMs: 0, rawEventsMax: 0, bytesMax: 1 }, T0)).toEqual({});
  await fill();
  const kept = { ageMs: 0, rawEventsMax: 0, bytesMax: 100 * MEGABYTE };
  expect(await retain(workspace, kept, T0)).toEqual({});
  const { rows } = await workspace.query("SELECT count(*) FROM SecurityAlert");
  expect(rows).toEqual([[1]]);
});

it("retention: the configuration takes BYTES_MAX_LEAST bytes and no fewer", () => {
  const config = (bytes: number) => JSON.stringify({ retention: { bytes } });
  expect(parseRunnerConfig(config(BYTES_MAX_LEAST), "c").retention.bytesMax).toBe(BYTES_MAX_LEAST);
  expect(() => parseRunnerConfig(config(BYTES_MAX_LEAST - 1), "c")).toThrow(ConfigError);
});

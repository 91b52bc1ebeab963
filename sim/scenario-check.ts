/** What a schema cannot say of a scenario: names that must exist, times in order. */
import { GEOMETRY_FIELDS } from "./board-schema.ts";
import { OBSERVED_EVENTS, SNAPSHOT_EVENTS } from "./core.ts";
import { durationMs } from "./duration.ts";
import type { Scenario } from "./scenario.ts";

/** Tells of a mistake at a place of the document. */
export type Fail = (path: readonly string[], what: string) => never;

/** @throws what `fail` throws */
export function checkReferences(scenario: Scenario, fail: Fail): void {
  checkBoards(scenario, fail);
  checkEvents(scenario, fail);
  checkTargets(scenario, fail);
  checkTraffic(scenario, fail);
}

function checkBoards({ boards }: Scenario, fail: Fail): void {
  const names = new Set<string>();
  for (const [i, { name, flash, profile, threads = [] }] of boards.entries()) {
    if (names.has(name)) fail(["boards", `${i}`, "name"], `"${name}" stands there twice`);
    names.add(name);
    const missing = GEOMETRY_FIELDS.filter((field) => flash?.[field] === undefined);
    const isGiven = missing.length < GEOMETRY_FIELDS.length;
    if (flash && missing.length > 0 && (isGiven || profile === undefined)) {
      const wanted = isGiven ? "" : ", or a profile, whose store partition it then is";
      fail(["boards", `${i}`, "flash"], `${missing.join(", ")} missing${wanted}`);
    }
    for (const [at, thread] of threads.entries()) {
      if (threads.findIndex((other) => other.name === thread.name) === at) continue;
      const place = ["boards", `${i}`, "threads", `${at}`, "name"];
      fail(place, `"${thread.name}" stands there twice`);
    }
  }
}

function checkEvents({ boards, observations = [] }: Scenario, fail: Fail): void {
  for (const [i, { event }] of observations.entries()) {
    const known: readonly string[] = OBSERVED_EVENTS;
    if (known.includes(event)) continue;
    fail(["observations", `${i}`, "event"], `expected one of ${known.join(", ")}`);
  }
  for (const [i, { snapshots = {} }] of boards.entries()) {
    const known: readonly string[] = SNAPSHOT_EVENTS;
    const unknown = Object.keys(snapshots).find((event) => !known.includes(event));
    if (unknown === undefined) continue;
    fail(["boards", `${i}`, "snapshots", unknown], `expected one of ${known.join(", ")}`);
  }
}

/** Lists whose entries may name a board. */
const TARGETED = [
  "traffic",
  "faults",
  "observations",
  "threads",
  "twin",
  "methods",
  "operations",
] as const;

function checkTargets(scenario: Scenario, fail: Fail): void {
  const boards = scenario.boards.map(({ name }) => name);
  const expected = Object.entries(scenario.expect ?? {}).filter(([list]) => list !== "nothingElse");
  const lists = [
    ...TARGETED.map((list) => [[list], scenario[list] ?? []] as const),
    ...expected.map(([list, entries]) => [["expect", list], entries] as const),
  ];
  for (const [place, entries] of lists) {
    for (const [i, entry] of entries.entries()) {
      const { board } = entry as { board?: string };
      if (board === undefined || boards.includes(board)) continue;
      const known = boards.join(", ");
      fail([...place, `${i}`, "board"], `no board "${board}", expected one of ${known}`);
    }
  }
  for (const [i, { thread, board }] of (scenario.threads ?? []).entries()) {
    const own = scenario.boards.filter(({ name }) => board === undefined || name === board);
    const known = own.flatMap(({ threads = [] }) => threads.map(({ name }) => name));
    if (known.includes(thread)) continue;
    const list = known.join(", ") || "none is given";
    fail(["threads", `${i}`, "thread"], `no thread "${thread}", expected one of: ${list}`);
  }
}

function checkTraffic({ peers = {}, traffic = [] }: Scenario, fail: Fail): void {
  for (const [i, { peer, from, until }] of traffic.entries()) {
    if (peer !== undefined && !(peer in peers) && !/^[0-9.]+$|:/.test(peer)) {
      const known = Object.keys(peers).join(", ") || "none is given";
      fail(["traffic", `${i}`, "peer"], `no peer "${peer}", expected an address or: ${known}`);
    }
    if (until !== undefined && durationMs(until) < durationMs(from ?? "0s")) {
      fail(["traffic", `${i}`, "until"], `ends before it begins (from ${from ?? "0s"})`);
    }
  }
}

/** An alert that is misspelt would be absent for ever. @throws what `fail` throws */
export function checkAlertTypes(
  { expect = {} }: Scenario,
  alertTypes: readonly string[],
  fail: Fail,
): void {
  for (const [i, { type }] of (expect.alerts ?? []).entries()) {
    if (alertTypes.includes(type)) continue;
    const near = alertTypes.filter((known) => known.slice(-6) === type.slice(-6));
    const hint = near.length > 0 ? `, perhaps ${near.join(" or ")}` : "";
    fail(["expect", "alerts", `${i}`, "type"], `no alert "${type}"${hint}`);
  }
}

import { appendFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeHead } from "../hub/log/record.ts";
import { openTelemetryLog, type TelemetryLog } from "../hub/log/telemetry-log.ts";

let dir: string;
let lines: string[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "picket-log-"));
  lines = [];
});

afterEach(() => rm(dir, { recursive: true, force: true }));

function open(
  options: { dir?: string | null; retentionBytes?: number; retentionMs?: number } = {},
) {
  return openTelemetryLog({
    dir: options.dir === undefined ? dir : options.dir,
    partitions: 2,
    retentionMs: options.retentionMs ?? 1000,
    retentionBytes: options.retentionBytes ?? 1 << 20,
    log: (line) => lines.push(line),
  });
}

function add(log: TelemetryLog, text: string, partition = 0, timeMs = 0) {
  const head = encodeHead({
    deviceId: "d",
    moduleId: null,
    systemProperties: { "content-type": "text/plain" },
    applicationProperties: { n: text.slice(0, 4), none: null },
  });
  return log.append(head, Buffer.from(text), partition, timeMs);
}

function texts(log: TelemetryLog, offset = 0, partition: number | null = null): string[] {
  const { messages } = log.read(offset, partition, 10_000);
  return messages.map(({ body }) => Buffer.from(body).toString());
}

describe.each([["file"], ["memory"]])("hub telemetry log in %s", (kind) => {
  const openHere = (options: Parameters<typeof open>[0] = {}) =>
    open(kind === "memory" ? { ...options, dir: null } : options);

  it("log: reads back what was written, by partition and page", async () => {
    const log = openHere();
    for (let n = 0; n < 10; n++) add(log, String(n), n % 2, n);
    await log.committed();
    expect(texts(log)).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    expect(texts(log, 0, 1)).toEqual(["1", "3", "5", "7", "9"]);
    const first = log.read(0, 0, 2);
    const second = log.read(first.next, 0, 2);
    expect(second.messages.map(({ sequenceNumber }) => sequenceNumber)).toEqual([2, 3]);
    expect(second.messages[0]).toMatchObject({
      deviceId: "d",
      enqueuedTimeMs: 4,
      applicationProperties: { n: "4", none: null },
      systemProperties: { "content-type": "text/plain" },
    });
    expect(log.partition(1)).toMatchObject({ first: 0, next: 5, lastTimeMs: 9 });
    log.close();
  });

  it("log: finds a place by sequence number, time and offset, inclusive and not", () => {
    const log = openHere();
    const places = [0, 1, 2].map((n) => add(log, String(n), 0, n * 100));
    const at = (offset: number) => texts(log, offset, 0)[0];
    expect(at(log.seek({ sequenceNumber: 1, inclusive: true }, 0))).toBe("1");
    expect(at(log.seek({ sequenceNumber: 1, inclusive: false }, 0))).toBe("2");
    expect(at(log.seek({ timeMs: 100 }, 0))).toBe("1");
    expect(at(log.seek({ timeMs: 101 }, 0))).toBe("2");
    const offset = places[1]?.offset ?? 0;
    expect(at(log.seek({ offset, inclusive: true }, 0))).toBe("1");
    expect(at(log.seek({ offset, inclusive: false }, 0))).toBe("2");
    expect(at(log.seek({ offset: -1, inclusive: false }, 0))).toBe("0");
    expect(log.seek({ timeMs: 1000 }, 0)).toBe(log.end);
    log.close();
  });

  it("log: keeps about the size it is given and tells what is the oldest", () => {
    const log = openHere({ retentionBytes: 64 * 1024 });
    for (let n = 0; n < 400; n++) {
      add(log, `${n} ${"x".repeat(1000)}`);
      if (n % 4 === 0) texts(log, log.end); // Reading writes what waits.
    }
    const kept = texts(log);
    expect(kept.length).toBeGreaterThan(40);
    expect(kept.length).toBeLessThan(64);
    expect(kept.at(-1)).toMatch(/^399 /);
    const oldest = Number(kept[0]?.split(" ")[0]);
    expect(log.partition(0)).toMatchObject({ first: oldest, next: 400 });
    expect(log.begin).toBeGreaterThan(0);
    log.close();
  });

  it("log: drops what is older than it may be, and goes on counting", () => {
    const log = openHere({ retentionMs: 1000 });
    add(log, "old", 0, 0);
    log.retain(999);
    expect(texts(log)).toEqual(["old"]);
    log.retain(1000);
    expect(texts(log)).toEqual([]);
    expect(log.partition(0)).toMatchObject({ first: 1, next: 1 });
    expect(add(log, "new", 0, 2000).sequenceNumber).toBe(1);
    expect(texts(log)).toEqual(["new"]);
    log.close();
  });
});

describe("hub telemetry log after a restart", () => {
  it("log: goes on where it was, over several segments", () => {
    const first = open({ retentionBytes: 80_000 });
    for (let n = 0; n < 30; n++) {
      add(first, `${n} ${"x".repeat(1000)}`, n % 2);
      texts(first, first.end);
    }
    const { end } = first;
    first.close();
    const second = open({ retentionBytes: 80_000 });
    expect(second.end).toBe(end);
    expect(texts(second)).toHaveLength(30);
    expect(add(second, "more", 0).sequenceNumber).toBe(15);
    expect(second.partition(1).next).toBe(15);
    second.close();
  });

  it("log: drops a record that a crash cut off, and says so", async () => {
    const first = open();
    add(first, "whole");
    first.close();
    const [name] = await readdir(dir);
    await appendFile(join(dir, name ?? ""), Buffer.from([200, 0, 0, 0, 1, 2, 3, 4, 5]));
    const second = open();
    expect(lines).toEqual(["telemetry log: 9 bytes cut off by a crash; dropped"]);
    add(second, "after");
    expect(texts(second)).toEqual(["whole", "after"]);
    second.close();
  });
});

describe("hub telemetry log at offsets from outside", () => {
  it("log: an offset that is no record's goes on with the next record", () => {
    const log = open();
    const places = ["a", "b", "c"].map((text) => add(log, text));
    const middle = (places[1]?.offset ?? 0) + 5;
    expect(texts(log, middle)).toEqual(["c"]);
    expect(texts(log, 3)).toEqual(["a", "b", "c"]);
    expect(log.read(log.end + 1000, null, 10)).toEqual({ messages: [], next: log.end });
    for (let offset = 0; offset <= log.end; offset++) texts(log, offset);
    log.close();
  });
});

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { available } from "wasm3-node";
import * as abi from "../assembly/abi.ts";
import { buildCore } from "../boards/build.ts";
import { type Agent, createAgent } from "../host/agent.ts";
import { createFlash } from "../host/flash.ts";
import { decodePicket } from "../wire/picket.ts";
import { buildKit, hasCompilers, type KitBuild, usedBytes } from "./support/kit/build.ts";
import { ipPacket, SYN, tcpPacket } from "./support/packets.ts";

const isComplete = hasCompilers && available;
const suite = isComplete || process.env.CI ? describe : describe.skip;
const AGENT_ID = Uint8Array.from({ length: 8 }, (_, i) => 17 * i);
const SECTOR_BYTES = 1024;
const directory = mkdtempSync(join(tmpdir(), "picket-kit-test-"));
const hex = (bytes: Uint8Array) => (bytes.length > 0 ? Buffer.from(bytes).toString("hex") : "-");

let wasm: Uint8Array;
const buildId = () => createHash("sha256").update(wasm).digest("hex").slice(0, 8);
let wasmPath: string;

/** Lines that the driver prints for a script, by a kit built as said. */
function run(program: string, backend: KitBuild["backend"], lines: readonly string[]): string[] {
  const args = backend === "wasm3" ? [wasmPath, String(usedBytes(wasm))] : [];
  const done = spawnSync(program, args, { input: `${lines.join("\n")}\n`, encoding: "utf8" });
  expect(done.stderr).toBe("");
  expect(done.status).toBe(0);
  return done.stdout.trim().split("\n");
}

/** Parts of messages, put together. */
function messagesOf(lines: readonly string[]): string[] {
  const messages: string[] = [];
  let text = "";
  for (const line of lines) {
    const found = /^publish \d+ ([01]) ([0-9a-f]*)$/.exec(line);
    if (found === null) continue;
    text += found[2];
    if (found[1] === "0") messages.push(text);
    if (found[1] === "0") text = "";
  }
  return messages;
}

suite(isComplete ? "kit" : "kit (needs gcc, clang and the wasm3 addon)", () => {
  const programs = new Map<string, string>();

  function programOf(compiler: KitBuild["compiler"], backend: KitBuild["backend"]): string {
    const key = `${compiler} ${backend}`;
    const made = programs.get(key);
    if (made !== undefined) return made;
    const sources = ["driver.c", "system.c"];
    const sanitizers = compiler === "gcc" ? "address,undefined" : "undefined-trap";
    const program = buildKit(directory, { compiler, backend, sanitizers, wasm, sources });
    programs.set(key, program);
    return program;
  }

  beforeAll(async () => {
    ({ wasm } = await buildCore());
    wasmPath = join(directory, "core.wasm");
    writeFileSync(wasmPath, wasm);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const builds = [
    ["gcc", "aot"],
    ["clang", "aot"],
    ["gcc", "wasm3"],
    ["clang", "wasm3"],
  ] as const;

  it.each(builds)(
    "kit: under %s and %s it sends what the agent in TypeScript sends",
    (compiler, backend) => {
      const script: string[] = ["time 1000 1700000000", `init ${SECTOR_BYTES} ${buildId()}`];
      const { agent, messages } = openAgent();
      let nowMs = 1000;
      const packet = (i: number) =>
        i % 3 === 0
          ? ipPacket("fd00::1", "fd00::2", 17, Uint8Array.of(4, i % 7, 0, 53, 0, 8, 0, 0))
          : tcpPacket({
              from: "10.0.0.2",
              fromPort: 2000 + (i % 40),
              to: "10.0.0.9",
              toPort: 443,
              flags: SYN,
            });
      for (let i = 0; i < 300; i++) {
        const bytes = packet(i);
        const more = (i * 97) % 1400;
        const [direction, length] = [i % 2, bytes.length + more];
        if (i % 5 === 4) {
          const cuts = [0, i % 9, 9 + (i % 11), bytes.length].map((at) =>
            Math.min(at, bytes.length),
          );
          const parts = cuts.slice(1).map((end, n) => hex(bytes.subarray(cuts[n], end)));
          script.push(`parts ${direction} ${length} 3 ${parts.join(" ")}`);
        } else {
          script.push(`packet ${direction} ${i % 4} ${length} ${hex(bytes)}`);
        }
        agent.ring.offer(direction, bytes, 0, bytes.length, length);
        if (i % 7 !== 6) continue;
        nowMs += 1100;
        script.push("c2d 2", `time ${nowMs} ${1_700_000_000 + i}`, "poll");
        agent.observeCloudToDevice(2);
        agent.poll(nowMs, 1_700_000_000 + i);
        for (const id of messages.answer()) {
          script.push(`ack ${id} 1`);
          agent.published(id, true);
        }
      }
      script.push("next", "memory", "close");
      const found = run(programOf(compiler, backend), backend, script);
      expect(messages.all.length).toBeGreaterThan(5);
      expect(messagesOf(found)).toEqual(messages.all);
      expect(found.at(-3)).toBe(`= ${agent.nextMs()}`);
      const memory = found.find((line) => line.startsWith("memory "))?.slice(7) ?? "";
      const snapshot = Buffer.from(agent.snapshot()).toString("hex");
      expect(memory.slice(0, snapshot.length) === snapshot).toBe(true);
    },
  );

  it.each(builds)(
    "kit: under %s and %s, wrong use is refused and nothing is lost silently",
    (compiler, backend) => {
      const record = hex(Uint8Array.of(0, 1, 0, 0, 1, 0, 0, 0)); // cloud to device, one
      const script = [
        ...["poll", "observe 00010000", "next", "close", "twin 0", "item 0001", "packet 0 0 40 45"],
        ...["without publish", "without entropy", "without monotonic_ms", "without lock"],
        ...["time 0 0", "init 0", "init 0"],
        ...["observe 0001", `observe ${"00".repeat(257)}`, `observe ${record}`],
        ...Array.from({ length: 80 }, () => `observe ${record}`),
        ...["poll", `observe ${record}`, "trouble"],
        ...[
          "twin 0",
          `chunk ${Buffer.from('{"desired":{"a').toString("hex")}`,
          "twin-end",
          "close",
          "close",
        ],
      ];
      const found = run(programOf(compiler, backend), backend, script);
      const results = found
        .filter((line) => line.startsWith("= "))
        .map((line) => Number(line.slice(2)));
      const none = abi.E_NOT_STARTED;
      expect(results.slice(0, 6)).toEqual([none, none, 0x7fffffff, 0, none, none]);
      expect(results.slice(6, 12)).toEqual([-101, -101, -101, -101, 0, abi.E_BUSY]);
      expect(results.slice(12, 15)).toEqual([abi.E_BAD_RECORD, abi.E_BAD_RECORD, 0]);
      const observed = results.slice(15, 95);
      const taken = observed.filter((result) => result === 0).length;
      expect(taken).toBe(Math.floor(512 / 12) - 1);
      expect(observed.slice(taken).every((result) => result === abi.E_FULL)).toBe(true);
      expect(results.slice(95)).toEqual([results[95], 0, 0, 0, abi.E_BAD_RECORD, 0, 0]);
      expect(results[95]).toBeGreaterThanOrEqual(0);
      expect(found).toContain("trouble ");
      expect(found.filter((line) => line.startsWith("log "))).toHaveLength(4);
    },
  );

  it("kit: a full ring wakes the agent at half, then counts what it drops", () => {
    const packet = hex(tcpPacket({ from: "10.0.0.2", fromPort: 1, to: "10.0.0.9", toPort: 2 }));
    const offers = (count: number) =>
      Array.from({ length: count }, () => `packet 0 0 40 ${packet}`);
    const script = ["time 0 0", "init 0", ...offers(8), "next", ...offers(12), "poll"];
    const end = ["flush 0", "flush 1", "poll", "close"];
    const found = run(programOf("gcc", "aot"), "aot", [...script, ...end]);
    expect(found.indexOf("wake")).toBe(2);
    expect(found.filter((line) => line === "wake")).toHaveLength(1);
    const events = messagesOf(found).flatMap(
      (text) => decodePicket(Buffer.from(text, "hex")).events,
    );
    const text = JSON.stringify(events);
    expect(text).toContain('"ringFull":4');
  });

  it("kit: threads that offer at once lose nothing, by the thread sanitizer", () => {
    const program = buildKit(directory, {
      compiler: "gcc",
      backend: "aot",
      sanitizers: "thread",
      wasm,
      sources: ["threads.c", "system.c"],
    });
    const done = spawnSync(program, { encoding: "utf8" });
    expect(done.stderr).toBe("");
    expect(done.status).toBe(0);
    const lines = done.stdout.trim().split("\n");
    const [, offered = 0, observations = 0, refused = 0] = (lines.at(-1) ?? "")
      .split(" ")
      .map(Number);
    const events = messagesOf(lines).flatMap(
      (text) => decodePicket(Buffer.from(text, "hex")).events,
    );
    const text = JSON.stringify(events, (_key, value) =>
      typeof value === "bigint" ? Number(value) : value,
    );
    const sum = (pattern: RegExp) =>
      [...text.matchAll(pattern)].reduce((total, [, count]) => total + Number(count), 0);
    expect(offered).toBe(80_000);
    expect(observations).toBe(2000);
    expect(sum(/"count":(\d+)/g) + refused).toBe(observations);
    expect(sum(/"observationRefused":(\d+)/g)).toBe(refused);
    expect(sum(/"packetsOut":(\d+)/g) + sum(/"ringFull":(\d+)/g)).toBe(offered);
  });
});

function openAgent(): {
  agent: Agent;
  messages: { readonly all: string[]; answer: () => number[] };
} {
  const all: string[] = [];
  let open: number[] = [];
  const geometry = { sectorBytes: SECTOR_BYTES, sectors: 16_384 / SECTOR_BYTES };
  const flash = createFlash({ ...geometry, unitBytes: 1, seed: 1 });
  const agent = createAgent({
    wasm,
    agentId: AGENT_ID,
    seed: 0x12345678,
    highIntervalS: 5,
    lowIntervalS: 9,
    nowMs: 1000,
    wallS: 1_700_000_000,
    flash: { ...geometry, programBytes: 1, ...flash },
    publish(id, bytes) {
      all.push(Buffer.from(bytes).toString("hex"));
      open.push(id);
    },
  });
  return {
    agent,
    messages: {
      all,
      answer() {
        const answered = open;
        open = [];
        return answered;
      },
    },
  };
}

/**
 * Measures QoS 1 messages per second into the hub and into a bare aedes, both over TLS with the
 * server's key checked, and the hub's memory per idle connection.
 *
 *     npx tsx scripts/bench-hub.ts [--json] [--connections 1,100,2000] [--seconds 2]
 *
 * The servers run in processes of their own, one at a time, and so does the load. The hub keeps
 * its state in a directory, checks tokens and topics, stamps and stores every message.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { LoadTask, Reply, ServerInfo, ServerTask } from "./bench-hub-worker.ts";
import { wantsJson } from "./wants-json.ts";

const WORKER = new URL("./bench-hub-worker.ts", import.meta.url);
const IDLE_CONNECTIONS = 1000;
const ROUNDS = 5;

interface Figure {
  readonly hub: number;
  readonly aedes: number;
  readonly ratio: number;
}

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    connections: { type: "string", default: "1,100,2000" },
    seconds: { type: "string", default: "2" },
  },
});
const isJson = wantsJson();
const counts = values.connections.split(",").map(Number);
const seconds = Number(values.seconds);
if (!counts.every((n) => Number.isInteger(n) && n > 0) || !(seconds > 0)) {
  process.stderr.write("bench-hub: --connections takes counts, --seconds a number above 0\n");
  process.exit(2);
}

const connections: Record<string, Figure> = {};
for (const count of counts) {
  const figure = await compare(count);
  connections[String(count)] = figure;
  say(`${count} connections: hub ${figure.hub}/s, aedes ${figure.aedes}/s, ratio ${figure.ratio}`);
}
const idleConnectionBytes = await measureIdle();
say(`idle connection: ${idleConnectionBytes} bytes`);
if (isJson) console.log(JSON.stringify({ connections, idleConnectionBytes }));

function say(line: string): void {
  if (isJson) process.stderr.write(`${line}\n`);
  else console.log(line);
}

/**
 * Both servers run all the time, one at a time under load, in turns: what else the machine does
 * then hits both alike. The best turn of each counts.
 */
async function compare(count: number): Promise<Figure> {
  return withServer("aedes", count, (aedesInfo) =>
    withServer("hub", count, async (hubInfo) => {
      const loads = { aedes: start(), hub: start() };
      const best = { aedes: 0, hub: 0 };
      try {
        await ask(loads.aedes, { task: "connect", info: aedesInfo, connections: count });
        await ask(loads.hub, { task: "connect", info: hubInfo, connections: count });
        for (let round = 0; round < ROUNDS; round++) {
          for (const kind of ["aedes", "hub"] as const) {
            const { messages, ms } = await ask(loads[kind], { task: "load", seconds });
            best[kind] = Math.max(best[kind], Math.round((messages ?? 0) / ((ms ?? 1) / 1000)));
          }
        }
      } finally {
        loads.aedes.kill();
        loads.hub.kill();
      }
      return { ...best, ratio: Math.round((best.hub / best.aedes) * 1000) / 1000 };
    }),
  );
}

async function measureIdle(): Promise<number> {
  return withServer("hub", IDLE_CONNECTIONS, async (info, server) => {
    const before = (await ask(server, { task: "memory" })).rssBytes ?? 0;
    const load = start();
    await ask(load, { task: "connect", info, connections: IDLE_CONNECTIONS });
    const after = (await ask(server, { task: "memory" })).rssBytes ?? 0;
    load.kill();
    return Math.round((after - before) / IDLE_CONNECTIONS);
  });
}

async function withServer<T>(
  kind: "hub" | "aedes",
  devices: number,
  use: (info: ServerInfo, server: ChildProcess) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "picket-bench-"));
  const server = start();
  try {
    const reply = await ask(server, { task: kind, devices, dir });
    if (reply.info === undefined) throw new Error("the server did not start");
    return await use(reply.info, server);
  } finally {
    server.kill();
    await rm(dir, { recursive: true, force: true });
  }
}

function start(): ChildProcess {
  return fork(WORKER, [], { execArgv: ["--import", "tsx", "--expose-gc"], stdio: "inherit" });
}

function ask(child: ChildProcess, task: ServerTask | LoadTask): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a worker ended with ${code}`));
    child.once("exit", ended);
    child.once("message", (reply) => {
      child.off("exit", ended);
      resolve(reply as Reply);
    });
    child.send(task);
  });
}

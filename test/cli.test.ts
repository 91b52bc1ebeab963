import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadCapture } from "./support/captures.ts";
import { runPicket, startPicket } from "./support/run-picket.ts";

const folder = mkdtempSync(join(tmpdir(), "picket-cli-"));
const capture = "sim/captures/d1_benign.pcap";
const device = "--device=10.20.0.10/24";
let port = 0;
let taken: Server;

beforeAll(async () => {
  taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const address = taken.address();
  if (address !== null && typeof address === "object") port = address.port;
});

afterAll(() => {
  taken.close();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** The capture with another link type in its header. */
function ofLinkType(linkType: number): Uint8Array {
  const bytes = Uint8Array.from(loadCapture("d1_benign").bytes);
  new DataView(bytes.buffer).setUint32(20, linkType, true);
  return bytes;
}

const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const BAD_INPUT: readonly (readonly [string, () => readonly string[], RegExp, number])[] = [
  [
    "a capture that is missing",
    () => ["replay", join(folder, "none"), device],
    /none: no such file/,
    1,
  ],
  ["a folder for a capture", () => ["replay", folder, device], /is a folder: name a file/, 1],
  ["an empty capture", () => ["replay", file("empty", ""), device], /the file is empty/, 1],
  [
    "a capture cut off in a packet",
    () => ["replay", file("cut", loadCapture("d1_benign").bytes.subarray(0, 1000)), device],
    /cut, byte 962: cut off in a packet/,
    1,
  ],
  [
    "a capture of an unknown link type",
    () => ["replay", file("link", ofLinkType(147)), device],
    /unknown link type 147/,
    1,
  ],
  ["what is no capture", () => ["replay", "package.json", device], /neither pcap nor pcapng/, 1],
  ["an endless device", () => ["decode", "/dev/zero"], /longer than the 1048576 bytes/, 1],
  [
    "a device address that is none",
    () => ["replay", capture, "--device", "router"],
    /device address "router" is no IP address/,
    1,
  ],
  ["no device address", () => ["replay", capture], /required option '--device <addresses>'/, 2],
  [
    "a core that is no module",
    () => ["replay", capture, device, "--core", "package.json"],
    /package.json is not a WebAssembly module/,
    1,
  ],
  [
    "a core that is a damaged module",
    () => ["replay", capture, device, "--core", file("damaged", Buffer.concat([MODULE, MODULE]))],
    /damaged is a damaged WebAssembly module/,
    1,
  ],
  [
    "a core that is another module",
    () => ["replay", capture, device, "--core", file("other", MODULE)],
    /other is not a Picket core: it has no export memory, abi_version/,
    1,
  ],
  [
    "a message that is noise",
    () => ["decode", file("noise", "\u0007noise")],
    /noise: no JSON, no/,
    1,
  ],
  ["a message that is missing", () => ["decode", join(folder, "none")], /none: no such file/, 1],
  [
    "a port in use",
    () => ["demo", "--once", "--port", String(port)],
    /port \d+ on 127.0.0.1 is in use/,
    1,
  ],
  [
    "a port that is none",
    () => ["demo", "--port", "65536"],
    /give a whole number from 0 to 65535/,
    2,
  ],
  ["JSON without an end", () => ["demo", "--json"], /--json needs --once/, 2],
  ["an unknown command", () => ["wombat"], /unknown command 'wombat'/, 2],
  ["an unknown option", () => ["demo", "--wombat"], /unknown option '--wombat'/, 2],
  ["too many arguments", () => ["demo", "wombat"], /too many arguments/, 2],
];

it.each(BAD_INPUT)("cli: %s ends in one line", async (_, args, line, status) => {
  const outcome = await runPicket(...args());
  expect(outcome.stderr).toMatch(line);
  expect(outcome.stderr).toMatch(/^picket: [^\n]+\n$/);
  expect(outcome.stdout).toBe("");
  expect(outcome.status).toBe(status);
  expect(outcome.left).toBe(false);
});

const COMMANDS_DEEP_MAX = 2;

/** Names in the block of commands of a help text, which a blank line ends. */
function commandsIn(help: string): string[] {
  const block = (help.split("\nCommands:\n")[1] ?? "").split("\n\n")[0] ?? "";
  return [...block.matchAll(/^ {2}([a-z][a-z-]*)/gm)]
    .map(([, name = ""]) => name)
    .filter((name) => name !== "help");
}

/** Paths of the commands below this one that have no commands of their own. */
async function leaves(path: readonly string[]): Promise<string[]> {
  expect(path.length).toBeLessThanOrEqual(COMMANDS_DEEP_MAX);
  const { stdout, stderr, status } = await runPicket(...path, "--help");
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  const below: string[] = [];
  for (const name of commandsIn(stdout)) below.push(...(await leaves([...path, name])));
  if (below.length > 0) return below;
  expect(stdout).toMatch(new RegExp(`Example[\\s\\S]*picket ${path.join(" ")}`));
  return [path.join(" ")];
}

it("cli: every subcommand has help with an example", async () => {
  expect(await leaves([])).toEqual(expect.arrayContaining(["decode", "demo", "replay"]));
});

it("cli: a reader that goes away ends it quietly", async () => {
  const running = startPicket("replay", capture, device, "--json");
  running.child.stdout?.destroy();
  expect(await running.ended).toMatchObject({ stderr: "", left: false });
});

it("cli: replay prints one JSON document, and nothing else", async () => {
  const { truth } = loadCapture("d1_benign");
  const { stdout, stderr, status } = await runPicket(
    "replay",
    capture,
    "--json",
    "--device",
    truth.device,
  );
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  expect(JSON.parse(stdout)).toMatchObject({ activeConnections: truth.activeConnections });
});

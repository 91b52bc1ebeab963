import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { available } from "wasm3-node";
import { buildCore } from "../boards/build.ts";
import { decodePicket } from "../wire/picket.ts";
import { buildKit, hasCompilers, type KitBuild } from "./support/kit/build.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const PORT = join(root, "boards", "ports", "netxduo");
const DOUBLES = join(root, "test", "support", "netx");
const hasCMake = spawnSync("cmake", ["--version"]).status === 0;
const isComplete = hasCompilers && available;
const suite = isComplete || process.env.CI ? describe : describe.skip;
const directory = mkdtempSync(join(tmpdir(), "picket-port-test-"));
const sources = readdirSync(PORT)
  .filter((name) => name.endsWith(".c"))
  .map((name) => join(PORT, name));

let wasm: Uint8Array;

function run(options: Pick<KitBuild, "compiler" | "sanitizers"> & { defines?: string[] }) {
  const program = buildKit(join(directory, (options.defines ?? []).join("")), {
    ...options,
    backend: "aot",
    wasm,
    sources: [...sources, join(DOUBLES, "doubles.c"), join(DOUBLES, "scenario.c")],
    includes: [PORT, DOUBLES],
    defines: ["-DNX_ENABLE_IP_PACKET_FILTER", ...(options.defines ?? [])],
  });
  const done = spawnSync(program, { encoding: "utf8" });
  expect(done.stderr).toBe("");
  expect(done.status).toBe(0);
  const lines = done.stdout.trim().split("\n");
  const events = lines
    .filter((line) => line.startsWith("publish "))
    .flatMap((line) => decodePicket(Buffer.from(line.split(" ")[3] ?? "", "hex")).events);
  return { lines, events: JSON.parse(plain(events)) as { name: string; payload?: never }[] };
}

const plain = (value: unknown) =>
  JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? Number(item) : item));

suite(isComplete ? "port" : "port (needs gcc, clang and the wasm3 addon)", () => {
  beforeAll(async () => {
    ({ wasm } = await buildCore({ AGGREGATION_SLOTS: 0 }));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("port: hooks, counts once, obeys, and takes everything back, under the sanitizers", () => {
    const { lines, events } = run({ compiler: "gcc", sanitizers: "address,undefined" });
    expect(lines.filter((line) => line.startsWith("FAIL"))).toEqual([]);
    expect(lines.filter((line) => line.startsWith("ok")).length).toBeGreaterThan(25);
    const flows = new Map<string, Record<string, number>>();
    for (const { name, payload } of events) {
      if (name !== "NetworkActivity") continue;
      for (const flow of payload as unknown as Flow[]) {
        const key = `${flow.protocol} ${flow.localPort} ${flow.remoteAddress}`;
        const sum = flows.get(key) ?? { in: 0, out: 0 };
        sum.in = (sum.in ?? 0) + flow.packetsIn;
        sum.out = (sum.out ?? 0) + flow.packetsOut;
        flows.set(key, sum);
      }
    }
    expect(Object.fromEntries(flows)).toEqual({
      "6 2000 10.0.0.9": { in: 2, out: 3 },
      "17 3000 10.0.0.9": { in: 0, out: 1 },
      "1 0 10.0.0.9": { in: 1, out: 1 },
      "58 0 fd00::9": { in: 1, out: 1 },
      "6 2500 10.0.0.9": { in: 0, out: 1 },
      "6 4000 10.0.0.9": { in: 43, out: 0 },
      "6 5000 10.0.0.9": { in: 0, out: 2 },
      "6 5002 10.0.0.9": { in: 0, out: 1 },
    });
    const text = plain(events);
    expect(text).toContain("NetX nic0 ip-receive-dropped 2 tcp-checksum 7");
    expect(text).not.toMatch(/"malformed":|"headTooShort":/);
    const ports = events.filter(({ name }) => name === "ListeningPorts");
    expect(plain(ports)).toMatch(/"protocol":6[^}]*"localPort":8080/);
    expect(plain(ports)).toMatch(/"protocol":17[^}]*"localPort":5353/);
    expect(plain(ports)).not.toContain('"localPort":9}');
  });

  it("port: without packet chains, compiled by clang, it does the same", () => {
    const defines = ["-DNX_DISABLE_PACKET_CHAIN"];
    const { lines } = run({ compiler: "clang", sanitizers: "undefined-trap", defines });
    expect(lines.filter((line) => line.startsWith("FAIL"))).toEqual([]);
  });

  it("port: NetX Duo without its packet filter is refused in one line when compiling", () => {
    const folders = [PORT, DOUBLES, join(root, "boards", "glue")].flatMap((name) => ["-I", name]);
    const done = spawnSync("gcc", [...folders, "-fsyntax-only", sources[0] as string]);
    expect(done.status).not.toBe(0);
    expect(String(done.stderr)).toContain("define NX_ENABLE_IP_PACKET_FILTER in nx_user.h");
  });

  it.skipIf(!hasCMake && !process.env.CI).each(["aot", "wasm3"])(
    "port: its CMake target links to targets of the application's own, %s",
    (backend) => {
      const work = join(directory, `cmake-${backend}`);
      mkdirSync(work);
      writeFileSync(
        join(work, "CMakeLists.txt"),
        `cmake_minimum_required(VERSION 3.13)
project(application C)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
add_library(threadx STATIC ${DOUBLES}/doubles.c)
target_include_directories(threadx PUBLIC ${DOUBLES})
target_compile_definitions(threadx PUBLIC NX_ENABLE_IP_PACKET_FILTER)
target_link_libraries(threadx PUBLIC Threads::Threads m)
add_library(netxduo INTERFACE)
target_link_libraries(netxduo INTERFACE threadx)
add_subdirectory(${PORT} picket)
target_compile_options(picket_netxduo PRIVATE -Wall -Wextra)
add_executable(application ${DOUBLES}/scenario.c application.c)
target_link_libraries(application PRIVATE picket_netxduo)
`,
      );
      writeFileSync(
        join(work, "application.c"),
        `#include "picket_module.h"
const void *in_use[] = {&picket_module, picket_module_build_id};
`,
      );
      const build = join(work, "build");
      const configure = ["-S", work, "-B", build, `-DPICKET_BACKEND=${backend}`];
      const configured = spawnSync("cmake", configure, { encoding: "utf8" });
      expect(configured.stderr).toBe("");
      const built = spawnSync("cmake", ["--build", build, "--", "-k"], { encoding: "utf8" });
      expect(built.stderr).toBe("");
      expect(built.status).toBe(0);
    },
  );

  it("port: its CMake target refuses a build without ThreadX in one line", () => {
    const work = join(directory, "cmake-none");
    mkdirSync(work);
    const text = `cmake_minimum_required(VERSION 3.13)\nproject(none C)\nadd_subdirectory(${PORT} p)\n`;
    writeFileSync(join(work, "CMakeLists.txt"), text);
    const done = spawnSync("cmake", ["-S", work, "-B", join(work, "build")], { encoding: "utf8" });
    expect(done.stderr.replace(/\s+/g, " ")).toContain("add ThreadX and NetX Duo before Picket");
  });
});

interface Flow {
  readonly protocol: number;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly packetsIn: number;
  readonly packetsOut: number;
}

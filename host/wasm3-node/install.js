/**
 * Compiles the addon at installation, with the C compiler alone: the headers come from the package
 * `node-api-headers`, wasm3 from `react-native-webassembly` or from WASM3_DIR. Never fails the
 * installation; with `--strict` (npm run build) a failure is an exit code.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { listWasm3Sources, wasm3Directory } from "./wasm3-sources.js";

const here = dirname(fileURLToPath(import.meta.url));
const build = join(here, "build");
const FLAGS = ["-std=gnu11", "-O3", "-fPIC", "-fvisibility=hidden", "-Dd_m3HasWASI=0"];
const WASM3_FLAGS = ["-w", "-fno-strict-aliasing"];
const OWN_FLAGS = ["-Wall", "-Wextra", "-DNAPI_VERSION=8"];
const LINK_FLAGS =
  process.platform === "darwin" ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"];

function findCompiler() {
  const candidates = process.env.CC ? [process.env.CC] : ["cc", "gcc", "clang"];
  return candidates.find((name) => spawnSync(name, ["--version"]).status === 0);
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.at(-1)}: exit code ${code}`));
    });
  });
}

async function compileAll(compiler, directory, work) {
  const headers = createRequire(import.meta.url)("node-api-headers").include_dir;
  const includes = [`-I${headers}`, `-I${directory}`, `-I${join(here, "src")}`];
  const own = readdirSync(join(here, "src"))
    .filter((name) => name.endsWith(".c"))
    .map((name) => ({ source: join(here, "src", name), flags: OWN_FLAGS }));
  const jobs = [
    ...listWasm3Sources(directory).map((source) => ({ source, flags: WASM3_FLAGS })),
    ...own,
  ];
  const objects = jobs.map(({ source }) => join(work, `${basename(source, ".c")}.o`));
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < jobs.length; index = next++) {
      const { source, flags } = jobs[index];
      await run(compiler, [...FLAGS, ...flags, ...includes, "-c", "-o", objects[index], source]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return objects;
}

async function main() {
  if (process.platform === "win32") throw new Error("no build on Windows; use WSL");
  const compiler = findCompiler();
  if (compiler === undefined) throw new Error("no C compiler (cc, gcc, clang or CC)");
  const directory = wasm3Directory();
  if (!existsSync(join(directory, "wasm3.h"))) throw new Error(`no wasm3.h in ${directory}`);
  const work = join(build, `tmp-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    const objects = await compileAll(compiler, directory, work);
    const addon = join(work, "wasm3.node");
    await run(compiler, [...LINK_FLAGS, "-o", addon, ...objects, "-lm"]);
    renameSync(addon, join(build, "wasm3.node"));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(
    `wasm3-node: not built, engine wasm3 stays unavailable: ${error.message}; ` +
      "then: npm run build -w wasm3-node\n",
  );
  if (process.argv.includes("--strict")) process.exitCode = 1;
}

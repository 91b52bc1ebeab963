import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

/** What a folder may import of the others; `assembly/abi.ts` is all that is seen of the core. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  assembly: [],
  wire: [],
  host: ["assembly/abi.ts", "wire"],
  hub: ["wire"],
  boards: ["assembly/abi.ts", "host"],
  detect: ["wire"],
  sim: ["host", "boards", "wire"],
  console: [],
  cli: ["assembly/abi.ts", "boards", "console", "detect", "host", "hub", "sim", "wire"],
};
/** What the command line also needs: it sets itself up, and says its version. */
const CLI_ALSO = ["scripts/setup.mjs", "package.json"];

const IMPORT = /(?:^|[\s;}])(?:from\s*|import\s*\(?\s*)["']([^"'\n]+)["']/g;
const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

interface Import {
  readonly file: string;
  readonly target: string;
}

function sources(folder: string): string[] {
  if (!existsSync(join(root, folder))) return []; // A folder of the design that is still to come.
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => /\.(ts|mts|js|mjs)$/.test(path) && !path.includes("node_modules"))
    .filter((path) => !path.includes("/build/"));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), "utf8").replace(COMMENT, "");
  return [...text.matchAll(IMPORT)].map(([, target = ""]) => ({ file, target }));
}

const isRelative = ({ target }: Import) => target.startsWith(".");

/** Path from the root, of a relative import. */
function resolved({ file, target }: Import): string {
  const path = relative(root, join(root, dirname(file), target));
  return file.startsWith("assembly/") ? `${path}.ts` : path;
}

function isAllowed(folder: string, path: string): boolean {
  if (path.startsWith(`${folder}/`)) return true;
  if (folder === "cli" && CLI_ALSO.includes(path)) return true;
  return (ARROWS[folder] ?? []).some((to) => path === to || path.startsWith(`${to}/`));
}

it.each(Object.keys(ARROWS))("layers: %s imports only along the arrows", (folder) => {
  const strays = sources(folder)
    .flatMap(importsOf)
    .filter(isRelative)
    .filter((entry) => !isAllowed(folder, resolved(entry)))
    .map((entry) => `${entry.file} imports ${resolved(entry)}`);
  expect(strays).toEqual([]);
});

it("layers: the search for imports sees every form", () => {
  const all = sources("cli").flatMap(importsOf);
  const seen = (file: string, target: string) =>
    all.some((entry) => entry.file === file && entry.target === target);
  expect(seen("cli/picket.js", "../scripts/setup.mjs")).toBe(true);
  expect(seen("cli/picket.js", "./main.ts")).toBe(true);
  expect(seen("cli/demo.ts", "../hub/hub.ts")).toBe(true);
  expect(seen("cli/commands/demo.ts", "../demo.ts")).toBe(true);
  expect(isAllowed("hub", "detect/service.ts")).toBe(false);
  expect(isAllowed("host", "assembly/index.ts")).toBe(false);
});

it("layers: only the engine on v8 knows the loader", () => {
  const users = Object.keys(ARROWS)
    .flatMap(sources)
    .flatMap(importsOf)
    .filter(({ target }) => target.startsWith("@assemblyscript/loader"))
    .map(({ file }) => file);
  expect(users).toEqual(["host/engines/v8.ts"]);
});

it("layers: every package is declared, and its reason written down", () => {
  const packageJson = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const declared = Object.keys(packageJson.dependencies);
  const development = Object.keys(packageJson.devDependencies);
  const own = readdirSync(join(root, "host")).includes("wasm3-node") ? ["wasm3-node"] : [];
  const strays = Object.keys(ARROWS)
    .flatMap(sources)
    .filter((file) => !file.startsWith("host/wasm3-node/"))
    .flatMap(importsOf)
    .filter((entry) => !isRelative(entry) && !entry.target.startsWith("node:"))
    .filter(({ target }) => ![...declared, ...own].some((name) => isPart(target, name)));
  expect(strays).toEqual([]);
  const reasons = readFileSync(join(root, "docs/DEPENDENCIES.md"), "utf8");
  const unexplained = [...declared, ...development].filter(
    (name) => !reasons.includes(`\`${name}\``),
  );
  expect(unexplained).toEqual([]);
});

function isPart(target: string, name: string): boolean {
  return target === name || target.startsWith(`${name}/`);
}

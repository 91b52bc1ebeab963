/**
 * Makes a fresh clone ready: checks Node's version and installs the dependencies when they are
 * missing or not those of package-lock.json. Plain JavaScript: nothing is installed yet.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const NODE_MIN = [20, 19];

function isNodeTooOld() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1]);
}

/** True when what npm noted as installed is what package-lock.json asks for. */
function isInstalled() {
  const installedPath = `${root}node_modules/.package-lock.json`;
  if (!existsSync(installedPath)) return false;
  const wanted = JSON.parse(readFileSync(`${root}package-lock.json`, "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedPath, "utf8")).packages;
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (!path.startsWith("node_modules/") || optional || link) return true;
    return installed[path]?.version === version;
  });
}

/** Installs what is missing; progress goes to standard error. Ends the process when it fails. */
export function setUp() {
  if (isNodeTooOld()) {
    const wanted = NODE_MIN.join(".");
    console.error(`picket: Node ${process.versions.node} is too old: ${wanted} or later is needed`);
    process.exit(1);
  }
  if (!existsSync(`${root}package-lock.json`)) return; // Installed as a package: npm did the work.
  if (isInstalled()) return;
  console.error("picket: installing dependencies (once) ...");
  const { status, error } = spawnSync(
    "npm",
    ["ci", "--loglevel=error", "--no-fund", "--no-audit"],
    {
      cwd: root,
      stdio: ["ignore", process.stderr, process.stderr],
      shell: process.platform === "win32",
    },
  );
  if (error || status !== 0) {
    console.error("picket: npm ci failed, see above; mend that and run it again");
    process.exit(1);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) setUp();

/**
 * Adds to package-lock.json the optional packages of other platforms that a partial registry could
 * not tell, without which `npm ci` refuses the lock file. Run it after `npm install` behind such a
 * registry: `npx tsx scripts/complete-lock.ts [package-lock.json]`.
 *
 * Entries carry version, os, cpu and libc from the package's name; npm skips those of other
 * platforms and checks the rest when it installs them.
 */
import { readFileSync, writeFileSync } from "node:fs";

interface LockEntry {
  version?: string;
  optional?: boolean;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const PLATFORM = /-(android|darwin|freebsd|linux|win32)-(arm64|arm|ia32|x64)(-musl)?$/;

const path = process.argv[2] ?? "package-lock.json";
const lock = JSON.parse(readFileSync(path, "utf8")) as { packages: Record<string, LockEntry> };
let added = 0;
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    const platform = PLATFORM.exec(name);
    if (lock.packages[place] !== undefined || platform === null) continue;
    const [, os = "", cpu = "", musl] = platform;
    lock.packages[place] = {
      version,
      cpu: [cpu],
      ...(parent.dev === true && { dev: true }),
      ...(os === "linux" && { libc: [musl ? "musl" : "glibc"] }),
      optional: true,
      os: [os],
    };
    added += 1;
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en")),
);
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${path}: ${added} packages of other platforms added\n`);

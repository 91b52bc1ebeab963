import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/**
 * A folder for what is built: below `build/` of a clone; of an installed package, which its user
 * may not be allowed to write to, below the user's cache (XDG Base Directory, XDG_CACHE_HOME).
 */
export function workDirectory(name: string): string {
  if (existsSync(join(root, "package-lock.json"))) return join(root, "build", name);
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(cache, "picket", name);
}

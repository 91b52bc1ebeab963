/**
 * Before the package is packed: puts wasm3's C sources into `host/wasm3-node/vendor`, so that who
 * installs it needs no other package for them; afterwards, with --remove, takes them away. Plain
 * JavaScript, as npm runs it.
 */
import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { installedWasm3, VENDOR } from "../host/wasm3-node/wasm3-sources.js";

function vendor() {
  mkdirSync(VENDOR, { recursive: true });
  const from = installedWasm3();
  for (const name of readdirSync(from)) {
    if (/^(m3_|wasm3).*\.[ch]$/.test(name) && !name.startsWith("m3_api_")) {
      copyFileSync(join(from, name), join(VENDOR, name));
    }
  }
  const licence = new URL("../host/wasm3-node/LICENSE-wasm3", import.meta.url);
  copyFileSync(licence, join(VENDOR, "LICENSE"));
}

rmSync(VENDOR, { recursive: true, force: true });
if (!process.argv.includes("--remove")) vendor();

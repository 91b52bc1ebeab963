import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { buildCore } from "../boards/build.ts";
import { parseProfile } from "../boards/profile.ts";
import { register as registerConfig } from "../cli/commands/config.ts";
import { register as registerFit } from "../cli/commands/fit.ts";
import { UserError } from "../cli/errors.ts";

const directory = mkdtempSync(join(tmpdir(), "picket-config-"));
const header = fileURLToPath(new URL("fixtures/asc_config.h", import.meta.url));
const TIMEOUT_MS = 240_000;

/** Runs a command in this process; what it prints. */
async function picket(...args: string[]): Promise<{ out: string; err: string }> {
  const printed = { out: "", err: "" };
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed.out += text;
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    printed.err += text;
    return true;
  });
  const program = new Command("picket").exitOverride();
  registerConfig(program);
  registerFit(program);
  for (const command of program.commands) command.exitOverride();
  await program.parseAsync(args, { from: "user" });
  return printed;
}

afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe("config", () => {
  it(
    "config: writes the core, a header and an array that a C compiler takes",
    async () => {
      const out = join(directory, "rx");
      const { out: text } = await picket(
        ...["config", "rx65n-cloud-kit", "--no-costs", "--set", "RING_SLOTS=8", "--out", out],
      );
      const { wasm, digest } = await buildCore({ RING_SLOTS: 8 });
      expect(readFileSync(join(out, "core.wasm")).equals(wasm)).toBe(true);
      expect(text).toContain("left for the agent");
      expect(text).toContain("rxv2 is no Arm core");
      const config = readFileSync(join(out, "picket_config.h"), "utf8");
      expect(config).toContain("#define PICKET_CONFIG_RING_SLOTS 8u ");
      expect(config).toContain(`#define PICKET_CONFIG_CORE_SHA256 "${digest}"`);
      expect(config).toContain("#define PICKET_CONFIG_STORE_SECTORS 16u ");
      if (spawnSync("cc", ["--version"]).status !== 0) return;
      const main = join(out, "main.c");
      writeFileSync(
        main,
        `#include "picket_config.h"
#include <stdint.h>
extern const uint8_t picket_core_wasm[];
extern const uint32_t picket_core_wasm_bytes;
static const uint8_t id[4] = PICKET_CONFIG_CORE_BUILD_ID;
int main(void) {
  if (picket_core_wasm_bytes != PICKET_CONFIG_CORE_WASM_BYTES || picket_core_wasm[1] != 'a') return 1;
  return id[0] == 0x${digest.slice(0, 2)}u && sizeof PICKET_CONFIG_CORE_SHA256 == 65u ? 0 : 2;
}
`,
      );
      const flags = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror"];
      const sources = [main, join(out, "picket_core_wasm.c")];
      const built = spawnSync("cc", [...flags, "-o", join(out, "a"), ...sources]);
      expect(built.stderr.toString()).toBe("");
      expect(spawnSync(join(out, "a")).status).toBe(0);
    },
    TIMEOUT_MS,
  );

  it(
    "config: --json is one document, and is given even when the agent does not fit",
    async () => {
      const path = join(directory, "small.json");
      const profile = JSON.parse(
        readFileSync(new URL("../boards/profiles/rx65n-cloud-kit.json", import.meta.url), "utf8"),
      );
      writeFileSync(path, JSON.stringify({ ...profile, agent_ram_bytes: 1000 }));
      const printed: string[] = [];
      const run = picket("config", path, "--no-costs", "--json");
      vi.spyOn(process.stdout, "write").mockImplementation(
        (text) => printed.push(String(text)) > 0,
      );
      await expect(run).rejects.toThrow(/^rx65n-cloud-kit: RAM: \d+ of 1000 bytes, \d+ too many: /);
      const document = JSON.parse(printed.join(""));
      expect(document.total.ram).toBe(document.core.memoryBytes);
      expect(document.options.RING_SLOTS).toBe(32);
    },
    TIMEOUT_MS,
  );

  it.each([
    [["config", "nothing"], /^unknown board "nothing"; there are [^\n]*$/],
    [["config", "mps2-an386", "--set", "FLOWS=1"], /^unknown option FLOWS; there are [^\n]*$/],
    [["config", "mps2-an386", "--set", "RING_SLOTS"], /^--set "RING_SLOTS": give OPTION=NUMBER/],
    [["config", "mps2-an386", "--set", "RING_SLOTS=2"], /^option RING_SLOTS: 2 is not a whole/],
    [["config", "mps2-an386", "--set", "COLLECT_CONNECTIONS=0"], /needs COLLECT_CONNECTIONS/],
    [["fit", "nothing"], /^unknown board "nothing"/],
    [["config", "import", "no-such.h"], /no-such\.h/],
    [["config", "import", header, "--board", "none"], /^unknown board "none"/],
  ])("config: %j is refused in one line", async (args, message) => {
    const run = picket(...args);
    await expect(run).rejects.toThrow(UserError);
    await expect(run).rejects.toThrow(message);
  });

  it("config: import writes a profile that config takes, and lists what has no counterpart", async () => {
    const path = join(directory, "mine.json");
    const { out } = await picket("config", "import", header, "--out", path);
    const profile = parseProfile(readFileSync(path, "utf8"), path);
    expect(profile.options.FLOW_SLOTS_IPV4).toBe(48);
    expect(out).toContain("no counterpart: ASC_MEDIUM_PRIORITY_INTERVAL: ");
    const { out: json, err } = await picket("config", "import", header);
    expect(parseProfile(json, "stdout")).toEqual(profile);
    expect(err).toContain("taken over: ASC_HIGH_PRIORITY_INTERVAL 15");
  });
});

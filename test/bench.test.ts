import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};
const benches = Object.entries(scripts).filter(([name]) => /^bench(:|$)/.test(name));

it.each(benches)(
  "bench: `npm run %s --json` is heard, although npm takes the flag",
  (_, command) => {
    const path = /tsx (\S+)/.exec(command)?.[1] ?? "";
    const source = readFileSync(join(root, path), "utf8");
    expect(source).toMatch(/from ".\/wants-json.ts"/);
    expect(source).toMatch(/\(wantsJson\(\)\)|= wantsJson\(\)/);
  },
);

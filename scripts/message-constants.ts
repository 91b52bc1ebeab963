/**
 * Turns the `name = number` rules of a CDDL text into a module of constants.
 *
 * @param target `assembly`: typed `u32` for asc; `wire`: plain TypeScript
 */
export function messageConstants(cddl: string, target: "assembly" | "wire"): string {
  const lines = ["// Generated from wire/message.cddl by scripts/generate.ts; do not edit.", ""];
  for (const match of cddl.matchAll(/^([a-z][a-z0-9-]*) = (\d+)\b/gm)) {
    const [, name = "", value = ""] = match;
    const constant = name.toUpperCase().replaceAll("-", "_");
    const type = target === "assembly" ? ": u32" : "";
    lines.push(`export const ${constant}${type} = ${value};`);
  }
  const causes = [...cddl.matchAll(/^cause-[a-z0-9-]* = (\d+)\b/gm)].map(([, value]) =>
    Number(value),
  );
  lines.push("", "/** Loss counters are numbered from 1 to this, less one. */");
  lines.push(
    `export const CAUSES${target === "assembly" ? ": u32" : ""} = ${Math.max(...causes) + 1};`,
  );
  return `${lines.join("\n")}\n`;
}

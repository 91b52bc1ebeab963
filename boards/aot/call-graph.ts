/** Who calls whom in C that wasm2c wrote: without recursion the stack is bounded. */

function readCalls(c: string, name: string): Map<string, string[]> {
  const functions = new Map<string, string[]>();
  const definition = new RegExp(
    `^[a-z]\\w* (w2c_${name}_\\w+)\\([^;]*\\) \\{\\n([\\s\\S]*?)^\\}`,
    "gm",
  );
  const call = new RegExp(`\\b(w2c_${name}_\\w+|CALL_INDIRECT)\\(`, "g");
  for (const [, caller = "", body = ""] of c.matchAll(definition)) {
    functions.set(
      caller,
      [...body.matchAll(call)].map((found) => found[1] ?? ""),
    );
  }
  return functions;
}

/** One line that says which function recurs or calls indirectly, or undefined. */
export function findRecursion(c: string, name: string): string | undefined {
  const functions = readCalls(c, name);
  if (functions.size === 0) throw new Error("call graph: no function found; other wasm2c?");
  const done = new Set<string>();
  const open = new Set<string>();
  const visit = (caller: string): string | undefined => {
    if (done.has(caller)) return undefined;
    if (open.has(caller)) return `recursion through ${caller}`;
    open.add(caller);
    for (const callee of functions.get(caller) ?? []) {
      if (callee === "CALL_INDIRECT") return `indirect call in ${caller}`;
      const found = visit(callee);
      if (found !== undefined) return found;
    }
    open.delete(caller);
    done.add(caller);
    return undefined;
  };
  for (const caller of functions.keys()) {
    const found = visit(caller);
    if (found !== undefined) return found;
  }
  return undefined;
}

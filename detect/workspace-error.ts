/** What the workspace throws. */

/** A statement or a file that DuckDB refuses: one line. */
export class WorkspaceError extends Error {
  override readonly name = "WorkspaceError";
}

export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n")[0] ?? "").replace(/^Failed to extract statements: /, "").trim();
}

/** Plain text tables for terminals. */

/**
 * Aligns columns: numbers to the right, texts to the left.
 *
 * @param rows of equal length; the first is the header
 */
export function renderTable(rows: readonly (readonly (string | number)[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => String(row[column] ?? "").length)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const isNumber = typeof (rows[1] ?? row)[column] === "number";
        return isNumber ? String(cell).padStart(width) : String(cell).padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join("");
}

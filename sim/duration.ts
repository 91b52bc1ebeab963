/** Durations as scenarios write them. */

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * @param text such as 250ms, 10s, 1.5m, 2h, 1d, perhaps with a sign
 * @returns whole milliseconds
 * @throws Error with one line for another text
 */
export function durationMs(text: string): number {
  const match = /^([+-]?\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text);
  if (!match) throw new Error(`"${text}" is no duration such as 250ms, 10s, 5m, 2h or 1d`);
  return Math.round(Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]);
}

/** The shortest such text. */
export function durationText(ms: number): string {
  for (const unit of ["d", "h", "m", "s"] as const) {
    if (ms !== 0 && ms % UNITS[unit] === 0) return `${ms / UNITS[unit]}${unit}`;
  }
  return `${ms}ms`;
}

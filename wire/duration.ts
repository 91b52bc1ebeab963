/** ISO 8601 durations as module twins have them. */
const FORM = /^P(?:(\d+)W|(?=[\dT])(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?)$/;
const SECONDS = [604_800, 86_400, 3600, 60, 1] as const;

/** The form as a regular expression for JSON Schema; it says nothing of zero. */
export const DURATION_PATTERN = FORM.source;

/**
 * Seconds of a duration in weeks, or in days, hours, minutes and seconds. Years and months have no
 * fixed length and fractions no use here: both are refused.
 *
 * @returns undefined when the text is no such duration
 */
export function parseDuration(text: string): number | undefined {
  const match = FORM.exec(text);
  if (!match) return undefined;
  return SECONDS.reduce((sum, unit, i) => sum + unit * Number(match[i + 1] ?? 0), 0);
}

/** The text of a whole number of seconds: hours, minutes, seconds. */
export function formatDuration(seconds: number): string {
  if (seconds === 0) return "PT0S";
  const parts = [
    [Math.floor(seconds / 3600), "H"],
    [Math.floor(seconds / 60) % 60, "M"],
    [seconds % 60, "S"],
  ] as const;
  return `PT${parts.map(([count, unit]) => (count ? `${count}${unit}` : "")).join("")}`;
}

/** Options as a user gives them on a command line. */
import { BoardError } from "./board-error.ts";
import { resolveOptions } from "./options.ts";
import type { BoardProfile } from "./profile-fields.ts";

/**
 * A profile with options changed.
 *
 * @param given "NAME=VALUE"; the last one of a name holds
 * @throws BoardError with one line for what is not valid
 */
export function withSettings(profile: BoardProfile, given: readonly string[]): BoardProfile {
  const options: Record<string, number> = { ...profile.options };
  for (const setting of given) {
    const found = /^([A-Za-z0-9_]+)=(-?\d{1,10})$/.exec(setting);
    if (found === null) {
      throw new BoardError(
        `--set ${JSON.stringify(setting)}: give OPTION=NUMBER, as in RING_SLOTS=32`,
      );
    }
    options[(found[1] as string).toUpperCase()] = Number(found[2]);
  }
  try {
    resolveOptions(options);
  } catch (cause) {
    throw new BoardError((cause as Error).message, { cause });
  }
  return { ...profile, options };
}

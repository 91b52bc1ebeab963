/** Reads and checks board profiles. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv, type ErrorObject } from "ajv";
import { BoardError } from "./board-error.ts";
import { checkGeometry } from "./geometry.ts";
import { resolveOptions } from "./options.ts";
import { type BoardProfile, PROFILE_SCHEMA, sourcedPaths } from "./profile-fields.ts";

const profilesUrl = new URL("./profiles/", import.meta.url);
const PROFILE_BYTES_MAX = 65_536;

const validate = new Ajv({ allErrors: false, strict: false }).compile<BoardProfile>(PROFILE_SCHEMA);

/** Names of the boards that come with Picket, in order. */
export function listBoards(): string[] {
  return readdirSync(profilesUrl)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .sort();
}

/**
 * A board by its name, in any case, or by the path of a profile of one's own (`*.json`).
 *
 * @throws BoardError with one line
 */
export function loadBoard(board: string): BoardProfile {
  if (board.toLowerCase().endsWith(".json")) return parseProfile(readProfile(board), board);
  const names = listBoards();
  const name = names.find((known) => known === board.toLowerCase());
  if (name === undefined) {
    throw new BoardError(
      `unknown board ${JSON.stringify(board)}; there are ${names.join(", ")}, or give a profile, *.json`,
    );
  }
  const file = `${name}.json`;
  return parseProfile(readFileSync(new URL(file, profilesUrl), "utf8"), file);
}

function readProfile(path: string): string {
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= PROFILE_BYTES_MAX) return bytes.toString("utf8");
  } catch (cause) {
    throw new BoardError(`${path}: ${(cause as NodeJS.ErrnoException).code ?? "unreadable"}`, {
      cause,
    });
  }
  throw new BoardError(`${path}: larger than ${PROFILE_BYTES_MAX} bytes, no board profile`);
}

/**
 * Checks a profile: its schema, its geometry, its options and that each figure has a source.
 *
 * @param name of the file, for errors
 * @throws BoardError with one line
 */
export function parseProfile(json: string, name: string): BoardProfile {
  let profile: unknown;
  try {
    profile = JSON.parse(json);
  } catch (cause) {
    throw new BoardError(`${name}: no JSON: ${(cause as Error).message.split("\n")[0]}`, { cause });
  }
  if (!validate(profile)) throw new BoardError(`${name}: ${describeError(validate.errors?.[0])}`);
  const trouble = checkGeometry(profile) ?? checkOptions(profile) ?? checkSources(profile);
  if (trouble !== undefined) throw new BoardError(`${name}: ${trouble}`);
  return profile;
}

function describeError(error: ErrorObject | undefined): string {
  if (error === undefined) return "does not match its schema";
  const { additionalProperty, allowedValues } = error.params as {
    additionalProperty?: string;
    allowedValues?: unknown[];
  };
  const what = additionalProperty ?? allowedValues?.join(", ");
  return `${error.instancePath || "/"} ${error.message}${what === undefined ? "" : ` (${what})`}`;
}

function checkOptions(profile: BoardProfile): string | undefined {
  try {
    resolveOptions(profile.options);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function checkSources(profile: BoardProfile): string | undefined {
  const paths = sourcedPaths(profile);
  const missing = paths.find((path) => profile.sources[path] === undefined);
  if (missing !== undefined) return `no source for ${missing}: add it to "sources"`;
  const unknown = Object.keys(profile.sources).find((path) => !paths.includes(path));
  return unknown === undefined ? undefined : `"sources" names ${unknown}, which is no figure`;
}

/** Path of a profile that comes with Picket. */
export function profilePath(name: string): string {
  return fileURLToPath(new URL(`${name}.json`, profilesUrl));
}

/** The feeds in force: those of the configuration until they are changed over the API. */
import { durationMs } from "./groups.ts";
import { createIntel, type FeedConfig, type FeedStatus, type Intel } from "./intel.ts";
import type { Workspace } from "./workspace.ts";

/** A feed as a user describes it. */
export interface FeedDescription {
  /** An http(s) URL; in the configuration also the path of a file. */
  readonly source?: string;
  /** The feed itself, in place of a source. */
  readonly content?: string;
  readonly format: FeedConfig["format"];
  readonly column?: string | number;
  /** ISO 8601 durations. */
  readonly refresh?: string;
  readonly expire?: string;
}

export const FEED_PROPERTIES = {
  source: { type: "string", minLength: 1, maxLength: 4096 },
  content: { type: "string" },
  format: { enum: ["list", "csv", "jsonl", "stix"] },
  column: { type: ["string", "integer"] },
  refresh: { type: "string", minLength: 1, maxLength: 64 },
  expire: { type: "string", minLength: 1, maxLength: 64 },
} as const;

/** Feeds at once. */
export const FEEDS_MAX = 64;
const HOUR_MS = 3_600_000;
const SETTING = "feeds";
const NAME = /^[\w.-][\w. -]{0,63}$/;

/** A feed that cannot be: one line. */
export class FeedControlError extends Error {
  override readonly name = "FeedControlError";
}

export interface FeedControl {
  readonly intel: Intel;
  /** Makes or replaces a feed, and reads it. @throws FeedControlError */
  put(
    name: string,
    description: FeedDescription,
    nowMs: number,
  ): Promise<{ isNew: boolean; status: FeedStatus }>;
  /** @returns false when there was none */
  remove(name: string, nowMs: number): Promise<boolean>;
  /** Reads a feed now; null: there is none. */
  refresh(name: string, nowMs: number): Promise<FeedStatus | null>;
}

/** @param initial what counts until feeds are changed over the API */
export async function createFeedControl(
  workspace: Workspace | null,
  initial: readonly FeedConfig[],
  nowMs: number,
): Promise<FeedControl> {
  let configs = (await readFeeds(workspace)) ?? initial;
  const intel = createIntel(configs);
  await intel.refresh(nowMs);
  const status = (name: string) => intel.status().find((feed) => feed.name === name) ?? null;
  const save = async (next: readonly FeedConfig[]) => {
    workspace?.append("PicketSetting", [{ Name: SETTING, Value: JSON.stringify(next) }]);
    await workspace?.commit();
    configs = next;
  };
  return {
    intel,
    async put(name, description, at) {
      const config = parseFeedDescription(name, description);
      const others = configs.filter((feed) => feed.name !== name);
      if (others.length >= FEEDS_MAX) throw new FeedControlError(`more than ${FEEDS_MAX} feeds`);
      const isNew = others.length === configs.length;
      await save([...others, config]);
      await intel.put(config, at);
      return { isNew, status: status(name) as FeedStatus };
    },
    async remove(name, at) {
      const others = configs.filter((feed) => feed.name !== name);
      if (others.length === configs.length) return false;
      await save(others);
      intel.remove(name, at);
      return true;
    },
    async refresh(name, at) {
      const config = configs.find((feed) => feed.name === name);
      if (!config) return null;
      await intel.put(config, at);
      return status(name);
    },
  };
}

/** Files are for the configuration: over the network nobody reads those of this machine. */
function parseFeedDescription(name: string, given: FeedDescription): FeedConfig {
  if (!NAME.test(name)) {
    throw new FeedControlError("a feed's name has 1 to 64 letters, digits, spaces or _ . -");
  }
  const { source = "", content, format, column } = given;
  if ((source === "") === (content === undefined)) {
    throw new FeedControlError(`feed ${name}: give source or content`);
  }
  if (content === undefined && !isWebAddress(source)) {
    throw new FeedControlError(`feed ${name}: the source must be an http or https URL`);
  }
  return {
    name,
    source,
    ...(content !== undefined && { content }),
    format,
    ...(column !== undefined && { column }),
    ...feedTimes(given, (what) => new FeedControlError(`feed ${name}: ${what}`)),
  };
}

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** @param fault makes the error of what is no duration */
export function feedTimes(
  given: Pick<FeedDescription, "refresh" | "expire">,
  fault: (what: string) => Error,
): { refreshMs: number; expireMs: number } {
  const time = (name: "refresh" | "expire", otherwise: number) => {
    const text = given[name];
    const ms = text === undefined ? otherwise : durationMs(text);
    if (ms === null) throw fault(`${name}: "${text}" is no ISO 8601 duration`);
    return ms;
  };
  return { refreshMs: time("refresh", HOUR_MS), expireMs: time("expire", 7 * 24 * HOUR_MS) };
}

async function readFeeds(workspace: Workspace | null): Promise<readonly FeedConfig[] | null> {
  const result = await workspace?.query("SELECT Value FROM PicketSetting WHERE Name = $1", {
    values: [SETTING],
  });
  const text = result?.rows[0]?.[0];
  return text === undefined ? null : (JSON.parse(String(text)) as FeedConfig[]);
}

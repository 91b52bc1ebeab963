/** Threat intelligence: feeds loaded, refreshed, expired, and made one look-up. */
import { readFile } from "node:fs/promises";
import { FeedError, type FeedShape, type Indicator, normalDomain, parseFeed } from "./feeds.ts";
import { createPrefixTable, type PrefixTable } from "./prefix-table.ts";
import type { IntelLookup, IntelMatch } from "./settings.ts";

export interface FeedConfig extends FeedShape {
  readonly name: string;
  /** Path of a file, or an http(s) URL. */
  readonly source: string;
  /** The feed itself; nothing is read then. */
  readonly content?: string;
  /** Read again after so long, ms; 0: once. */
  readonly refreshMs: number;
  /** What was read last counts for so long when it cannot be read again, ms; 0: for ever. */
  readonly expireMs: number;
}

export interface FeedStatus {
  readonly name: string;
  readonly source: string;
  readonly indicators: number;
  readonly refused: readonly string[];
  readonly refusedCount: number;
  /** ISO 8601; null: not read yet. */
  readonly readAt: string | null;
  /** Why the last attempt failed, one line; null when it did not. */
  readonly error: string | null;
  readonly expired: boolean;
}

export interface Intel extends IntelLookup {
  /** Reads the feeds that are due. Failures are kept as status, the former content stays. */
  refresh(nowMs: number): Promise<void>;
  /** Adds a feed, or takes the place of the one of its name, and reads it. */
  put(config: FeedConfig, nowMs: number): Promise<void>;
  remove(name: string, nowMs: number): void;
  status(): readonly FeedStatus[];
  readonly size: number;
}

const FEED_BYTES_MAX = 64 * 1024 * 1024;
const FETCH_MS_MAX = 30_000;

interface Loaded {
  config: FeedConfig;
  indicators: readonly Indicator[];
  refused: readonly string[];
  refusedCount: number;
  readMs: number;
  triedMs: number;
  error: string | null;
  expired: boolean;
}

export function createIntel(configs: readonly FeedConfig[]): Intel {
  let feeds = configs.map(createFeed);
  let lookup = buildLookup([], 0);

  return {
    get size() {
      return lookup.size;
    },
    address: (text) => lookup.address(text),
    domain: (name) => lookup.domain(name),
    async refresh(nowMs) {
      for (const feed of feeds) await readIfDue(feed, nowMs);
      lookup = buildLookup(feeds, nowMs);
    },
    async put(config, nowMs) {
      const feed = createFeed(config);
      await readIfDue(feed, nowMs);
      // What was read before counts until its expiry, when it is the same feed.
      const former = feeds.find((known) => known.config.name === config.name);
      if (former && former.config.source === config.source && feed.error !== null) {
        feed.indicators = former.indicators;
        feed.readMs = former.readMs;
        feed.expired = former.expired;
      }
      feeds = [...feeds.filter((known) => known.config.name !== config.name), feed];
      lookup = buildLookup(feeds, nowMs);
    },
    remove(name, nowMs) {
      feeds = feeds.filter((known) => known.config.name !== name);
      lookup = buildLookup(feeds, nowMs);
    },
    status: () => feeds.map(statusOf),
  };
}

function createFeed(config: FeedConfig): Loaded {
  return {
    config,
    indicators: [],
    refused: [],
    refusedCount: 0,
    readMs: 0,
    triedMs: 0,
    error: null,
    expired: false,
  };
}

/** A look-up over indicators that are at hand, for tests and single runs. */
export function lookupOf(feed: string, indicators: readonly Indicator[]): IntelLookup {
  return buildLookup([{ config: { name: feed }, indicators, expired: false }], 0);
}

async function readIfDue(feed: Loaded, nowMs: number): Promise<void> {
  const { config } = feed;
  const isDue =
    feed.triedMs === 0 || (config.refreshMs > 0 && nowMs - feed.triedMs >= config.refreshMs);
  if (isDue) {
    feed.triedMs = nowMs;
    try {
      const parsed = parseFeed(config.name, await readSource(config), config);
      Object.assign(feed, parsed);
      feed.readMs = nowMs;
      feed.error = null;
    } catch (error) {
      feed.error = (error as Error).message.split("\n")[0] ?? "not readable";
    }
  }
  const isRead = config.content === undefined;
  feed.expired =
    isRead && config.expireMs > 0 && feed.readMs > 0 && nowMs - feed.readMs >= config.expireMs;
}

async function readSource(config: FeedConfig): Promise<string> {
  const { name, source, content } = config;
  if (content !== undefined) return content;
  if (!/^https?:\/\//i.test(source)) {
    return readFile(source, "utf8").catch((cause) => {
      throw new FeedError(`feed ${name}: ${source}: ${cause.code ?? cause.message}`, { cause });
    });
  }
  const response = await fetch(source, { signal: AbortSignal.timeout(FETCH_MS_MAX) }).catch(
    (cause) => {
      throw new FeedError(`feed ${name}: ${cause.cause?.code ?? cause.message}`, { cause });
    },
  );
  if (!response.ok) throw new FeedError(`feed ${name}: HTTP ${response.status}`);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > FEED_BYTES_MAX) throw new FeedError(`feed ${name}: over ${FEED_BYTES_MAX} bytes`);
    parts.push(Buffer.from(part));
  }
  return Buffer.concat(parts).toString("utf8");
}

function statusOf(feed: Loaded): FeedStatus {
  const { config, refused, refusedCount, error, expired } = feed;
  return {
    name: config.name,
    source: config.source,
    indicators: feed.indicators.length,
    refused,
    refusedCount,
    readAt: feed.readMs === 0 ? null : new Date(feed.readMs).toISOString(),
    error,
    expired,
  };
}

interface Source {
  readonly config: { readonly name: string };
  readonly indicators: readonly Indicator[];
  readonly expired: boolean;
}

function buildLookup(sources: readonly Source[], nowMs: number): IntelLookup & { size: number } {
  const matches: IntelMatch[] = [];
  const prefixes: string[] = [];
  const domains = new Map<string, IntelMatch>();
  for (const { config, indicators, expired } of sources) {
    if (expired) continue;
    for (const { kind, value, untilMs } of indicators) {
      if (untilMs !== null && untilMs <= nowMs) continue;
      const match = { feed: config.name, indicator: value };
      if (kind === "domain") {
        if (!domains.has(value)) domains.set(value, match);
      } else {
        matches.push(match);
        prefixes.push(value);
      }
    }
  }
  const table: PrefixTable = createPrefixTable(prefixes);
  return {
    size: prefixes.length + domains.size,
    address(text) {
      const index = table.match(text);
      return index < 0 ? null : (matches[index] as IntelMatch);
    },
    domain(name) {
      return domains.size === 0 ? null : findDomain(domains, normalDomain(name));
    },
  };
}

/** A listed domain stands for the names below it too. */
function findDomain(domains: ReadonlyMap<string, IntelMatch>, name: string): IntelMatch | null {
  let rest = name.slice(0, 254);
  for (;;) {
    const match = domains.get(rest);
    if (match) return match;
    const dot = rest.indexOf(".");
    if (dot < 0) return null;
    rest = rest.slice(dot + 1);
  }
}

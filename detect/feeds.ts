/**
 * Threat-intelligence feeds as texts: plain lists, CSV, Spamhaus-style JSON lines, STIX 2.1.
 * What a feed holds beyond addresses, prefixes and domains is refused by name, never skipped.
 */
import { isPrefix } from "./prefix-table.ts";

export type FeedFormat = "list" | "csv" | "jsonl" | "stix";

export interface Indicator {
  readonly kind: "address" | "domain";
  /** A prefix or address; a domain in lower case, without the final dot. */
  readonly value: string;
  /** When it stops to count, ms; null: never. */
  readonly untilMs: number | null;
}

export interface ParsedFeed {
  readonly indicators: readonly Indicator[];
  /** What was refused, one line each, at most `REFUSALS_MAX`. */
  readonly refused: readonly string[];
  readonly refusedCount: number;
}

/** A feed that is not of its format at all: one line. */
export class FeedError extends Error {
  override readonly name = "FeedError";
}

export const REFUSALS_MAX = 20;
/** Indicators of one feed. */
export const INDICATORS_MAX = 1_000_000;

export interface FeedShape {
  readonly format: FeedFormat;
  /** csv: the column, by its name in the first line or by number from 1. Default 1. */
  readonly column?: string | number;
}

/** @throws FeedError */
export function parseFeed(name: string, text: string, shape: FeedShape): ParsedFeed {
  const collector = createCollector();
  const body = text.replace(/^\ufeff/, "");
  if (shape.format === "list") parseList(body, collector);
  else if (shape.format === "csv") parseCsv(name, body, shape.column ?? 1, collector);
  else if (shape.format === "jsonl") parseJsonLines(body, collector);
  else parseStix(name, body, collector);
  if (collector.indicators.length > INDICATORS_MAX) {
    throw new FeedError(`feed ${name}: more than ${INDICATORS_MAX} indicators`);
  }
  const { indicators, refused, count } = collector;
  return { indicators, refused, refusedCount: count() };
}

interface Collector {
  readonly indicators: Indicator[];
  readonly refused: string[];
  take(where: string, text: string, untilMs?: number | null): void;
  refuse(line: string): void;
  count(): number;
}

function createCollector(): Collector {
  const indicators: Indicator[] = [];
  const refused: string[] = [];
  let count = 0;
  const refuse = (line: string) => {
    count += 1;
    if (refused.length < REFUSALS_MAX) refused.push(line);
  };
  return {
    indicators,
    refused,
    refuse,
    count: () => count,
    take(where, text, untilMs = null) {
      const value = text.trim();
      if (isPrefix(value)) indicators.push({ kind: "address", value, untilMs });
      else if (isDomain(value)) {
        indicators.push({ kind: "domain", value: normalDomain(value), untilMs });
      } else refuse(`${where}: "${value.slice(0, 60)}" is no address, prefix or domain`);
    },
  };
}

/** RFC 1035 2.3.4, underscores tolerated; the last label is no number. */
export function isDomain(text: string): boolean {
  if (text.length > 254 || !text.includes(".")) return false;
  const labels = normalDomain(text).split(".");
  return (
    labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? "")
  );
}

export function normalDomain(text: string): string {
  return text.toLowerCase().replace(/\.$/, "");
}

/** One a line; what follows `#` or `;` is a comment. A hosts file's address before a name goes. */
function parseList(text: string, collector: Collector): void {
  text.split(/\r?\n/).forEach((line, i) => {
    const content = line.replace(/[#;].*$/, "").trim();
    if (content === "") return;
    const [first = "", second] = content.split(/\s+/);
    const isHosts = second !== undefined && (first === "0.0.0.0" || first === "127.0.0.1");
    collector.take(`line ${i + 1}`, isHosts ? second : first);
  });
}

function parseCsv(name: string, text: string, column: string | number, collector: Collector): void {
  const lines = text.split(/\r?\n/);
  let index = typeof column === "number" ? column - 1 : -1;
  lines.forEach((line, i) => {
    if (line.trim() === "" || line.startsWith("#")) return;
    const cells = csvCells(line);
    if (index < 0) {
      index = cells.findIndex((cell) => cell.trim().toLowerCase() === String(column).toLowerCase());
      if (index < 0) throw new FeedError(`feed ${name}: line ${i + 1} has no column "${column}"`);
      return;
    }
    const cell = cells[index];
    if (cell === undefined) collector.refuse(`line ${i + 1}: has no column ${index + 1}`);
    else collector.take(`line ${i + 1}`, cell);
  });
}

/** RFC 4180 cells of one line. */
function csvCells(line: string): string[] {
  const cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (quoted) {
      if (c === '"' && line[i + 1] === '"') {
        cell += '"';
        i++;
      } else if (c === '"') quoted = false;
      else cell += c;
    } else if (c === '"') quoted = true;
    else if (c === ",") {
      cells.push(cell);
      cell = "";
    } else cell += c;
  }
  cells.push(cell);
  return cells;
}

/** Spamhaus DROP: `{"cidr":"…","sblid":"…"}` a line, and a last line of metadata. */
function parseJsonLines(text: string, collector: Collector): void {
  text.split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === "") return;
    const where = `line ${i + 1}`;
    let row: Record<string, unknown>;
    try {
      row = JSON.parse(line);
    } catch {
      collector.refuse(`${where}: no JSON`);
      return;
    }
    if (row === null || typeof row !== "object") {
      collector.refuse(`${where}: no JSON object`);
      return;
    }
    if (row.type === "metadata") return;
    const value = row.cidr ?? row.ip ?? row.address ?? row.domain;
    if (typeof value === "string") collector.take(where, value);
    else collector.refuse(`${where}: has none of cidr, ip, address, domain`);
  });
}

/** OASIS STIX 2.1 bundle: indicators whose pattern compares addresses and domains. */
function parseStix(name: string, text: string, collector: Collector): void {
  let bundle: { type?: unknown; objects?: unknown };
  try {
    bundle = JSON.parse(text);
  } catch (cause) {
    throw new FeedError(`feed ${name}: no JSON`, { cause });
  }
  if (bundle?.type !== "bundle" || !Array.isArray(bundle.objects)) {
    throw new FeedError(`feed ${name}: no STIX bundle`);
  }
  for (const object of bundle.objects as Record<string, unknown>[]) {
    if (object?.type !== "indicator") continue;
    const where = String(object.id ?? "indicator").slice(0, 80);
    if (object.revoked === true) continue;
    if (object.pattern_type !== undefined && object.pattern_type !== "stix") {
      collector.refuse(`${where}: pattern type ${String(object.pattern_type).slice(0, 40)}`);
      continue;
    }
    const until = typeof object.valid_until === "string" ? Date.parse(object.valid_until) : null;
    const untilMs = until === null || Number.isNaN(until) ? null : until;
    parsePattern(where, String(object.pattern ?? ""), untilMs, collector);
  }
}

const COMPARISON =
  /^(ipv4-addr:value|ipv6-addr:value|domain-name:value)\s*(?:=|ISSUBSET)\s*'((?:[^'\\]|\\.){1,260})'$/;

/** `[a = 'x' OR b = 'y'] OR [...]`; everything else is refused by name. */
function parsePattern(
  where: string,
  pattern: string,
  untilMs: number | null,
  collector: Collector,
): void {
  const outer = pattern.trim();
  const inner = outer.replace(/\]\s*OR\s*\[/g, " OR ").replace(/^\[|\]$/g, "");
  if (!outer.startsWith("[") || !outer.endsWith("]") || outer.length > 10_000) {
    collector.refuse(`${where}: pattern ${outer.slice(0, 60)}`);
    return;
  }
  for (const part of inner.split(/\s+OR\s+/)) {
    const found = COMPARISON.exec(part.trim());
    if (found) collector.take(where, (found[2] as string).replace(/\\(.)/g, "$1"), untilMs);
    else collector.refuse(`${where}: ${part.trim().slice(0, 80)}`);
  }
}

/** A message as text for people: one table per event, aligned, safe to print. */
import {
  type EventName,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  type SecurityEvent,
  type SecurityMessage,
} from "./events.ts";
import { EVENTS, type Field } from "./json1-table.ts";
import { printable } from "./printable.ts";
import { protocolName } from "./protocol.ts";

const FORMAT_NAMES = {
  picket: "Picket message",
  "json-1.0": "JSON message 1.0",
  "legacy-2.3": "Legacy message 2.3",
} as const;

type Item = Readonly<Record<string, unknown>>;
interface Column {
  readonly title: string;
  readonly text: (item: Item) => string;
  readonly right?: boolean;
}

/** Lines without their ends. @param title what was decoded, for example a file's name */
export function renderMessage(title: string, message: SecurityMessage): string[] {
  const { events } = message;
  const agent = printable(`agent ${message.agentId} ${message.agentVersion}`);
  const count = events.length === 1 ? "1 event" : `${events.length} events`;
  const id = message.messageId === null ? [] : [`id ${printable(message.messageId)}`];
  const head = [FORMAT_NAMES[message.format], agent, ...id, count].join(", ");
  return [`${printable(title)}: ${head}`, ...events.flatMap((event) => ["", ...render(event)])];
}

function render(event: SecurityEvent): string[] {
  const time = event.timeMs === null ? "time unknown        " : timeText(event.timeMs);
  const interval = event.intervalMs > 0 ? `  over ${event.intervalMs / 1000} s` : "";
  const empty = event.isEmpty ? "  nothing to report" : "";
  return [
    `${time}  ${event.name}${interval}${empty}`,
    ...table(event.name, event.payload as readonly object[] as readonly Item[]),
    ...Object.entries(event.extraDetails ?? {}).map(
      ([key, text]) => `  ${printable(key)} = ${printable(text)}`,
    ),
  ];
}

function table(name: EventName, items: readonly Item[]): string[] {
  const columns = columnsOf(name).filter(({ title, text }) => {
    // Some formats count no packets.
    const nothing = title.startsWith("packets") ? "0" : "";
    return items.some((item) => text(item) !== nothing);
  });
  if (columns.length === 0) return [];
  const rows = [columns.map(({ title }) => title)];
  for (const item of items) rows.push(columns.map(({ text }) => text(item)));
  const widths = columns.map((_, c) =>
    rows.reduce((most, row) => Math.max(most, row[c]?.length ?? 0), 0),
  );
  return rows.map((row) => {
    const cells = row.map((cell, c) =>
      columns[c]?.right ? cell.padStart(widths[c] ?? 0) : cell.padEnd(widths[c] ?? 0),
    );
    return `  ${cells.join("  ")}`.trimEnd();
  });
}

function columnsOf(name: EventName): Column[] {
  const fields: Readonly<Record<string, Field>> = EVENTS[name].fields;
  const keys = Object.keys(fields);
  return Object.entries(fields).flatMap(([key, field]): Column[] => {
    const side = /^(local|remote|source|destination)(Address|Port)$/.exec(key);
    const title = words(side?.[1] ?? key);
    if (side?.[2] === "Port" && keys.includes(`${side[1]}Address`)) return [];
    if (side) return [{ title, text: (item) => endpoint(item, side[1] ?? "") }];
    if (key === "protocol") return [{ title, text: (item) => protocolText(item[key]) }];
    const right = /^(count|integer)$/.test("detail" in field ? field.detail : field.kind);
    return [{ title, text: (item) => cell(key, item[key]), right }];
  });
}

function endpoint(item: Item, side: string): string {
  const address = String(item[`${side}Address`] ?? "");
  const port = item[`${side}Port`];
  if (port === undefined || (port === 0 && item.protocol !== undefined && !hasPorts(item))) {
    return printable(address);
  }
  return printable(`${address.includes(":") ? `[${address}]` : address}:${port}`);
}

function hasPorts(item: Item): boolean {
  return (
    (item.protocol === PROTOCOL_TCP || item.protocol === PROTOCOL_UDP) && item.fragments !== true
  );
}

function protocolText(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "number" ? protocolName(value) : printable(String(value));
}

function cell(key: string, value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (key.endsWith("TimeMs")) return timeText(value as number);
  if (typeof value !== "object") return printable(String(value));
  const counts = Object.entries(value).map(([name, count]) => `${name} ${count}`);
  return printable(counts.join(", "));
}

/** "packetsIn" becomes "packets in". */
function words(key: string): string {
  return key
    .replace(/Ms$/, "")
    .replace(/([a-z])([A-Z])(?=[a-z]|$)/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
}

function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime())
    ? `${ms} ms`
    : date.toISOString().replace("T", " ").replace(".000Z", "Z");
}

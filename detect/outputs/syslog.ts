/** Alerts as syslog messages, RFC 5424, over UDP (RFC 5426) or TCP (RFC 6587) or TLS (RFC 5425). */
import { createSocket } from "node:dgram";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { rangeText } from "../alert-text.ts";
import type { Alert, Severity } from "../alerts.ts";
import type { Output } from "./outbox.ts";

export interface SyslogConfig {
  readonly type: "syslog";
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly transport: "udp" | "tcp" | "tls";
  /** `cef`: the message is a line of ArcSight's Common Event Format. Default structured data. */
  readonly format?: "rfc5424" | "cef";
  /** PEM; the receiver's CA, for tls. */
  readonly ca?: string;
}

/** Facility 13: log audit. */
const FACILITY = 13;
/** RFC 5424 6.2.1. */
const LEVELS: Readonly<Record<Severity, number>> = { High: 2, Medium: 4, Low: 5, Informational: 6 };
const CEF_LEVELS: Readonly<Record<Severity, number>> = {
  High: 9,
  Medium: 6,
  Low: 3,
  Informational: 1,
};
const MS_MAX = 10_000;
/** Private enterprise number reserved for documentation (RFC 5612). */
const ENTERPRISE = 32_473;

/** One message, without the framing of its transport. */
export function syslogLine(alert: Alert, format: "rfc5424" | "cef"): string {
  const priority = FACILITY * 8 + LEVELS[alert.severity];
  const host = headerText(alert.deviceId || "hub", 255);
  const head = `<${priority}>1 ${alert.lastTime} ${host} picket - ${headerText(alert.type, 32)}`;
  if (format === "cef") return `${head} - ${cefLine(alert)}`;
  const fields: [string, string][] = [
    ["id", alert.id],
    ["name", alert.displayName],
    ["rule", alert.rule],
    ["cause", alert.cause],
    ["value", String(alert.value)],
    ["range", rangeText(alert.range)],
    ["count", String(alert.count)],
    ["state", alert.state],
    ["group", alert.group],
    ["firstTime", alert.firstTime],
  ];
  const data = fields.map(([name, value]) => `${name}="${paramText(value)}"`).join(" ");
  // The byte order mark says that the text is UTF-8 (RFC 5424 6.4).
  return `${head} [alert@${ENTERPRISE} ${data}] \ufeff${lineText(`${alert.displayName}: ${alert.explanation}`)}`;
}

export function cefLine(alert: Alert): string {
  const head = ["CEF:0", "Picket", "Picket", "1", alert.type, alert.displayName]
    .map(cefHeader)
    .join("|");
  const fields: [string, string][] = [
    ["externalId", alert.id],
    ["dvchost", alert.deviceId],
    ["start", String(Date.parse(alert.firstTime))],
    ["end", String(Date.parse(alert.lastTime))],
    ["cnt", String(alert.count)],
    ["outcome", alert.state],
    ["cs1Label", "rule"],
    ["cs1", alert.rule],
    ["cs2Label", "cause"],
    ["cs2", alert.cause],
    ["cs3Label", "range"],
    ["cs3", rangeText(alert.range)],
    ["cs4Label", "value"],
    ["cs4", String(alert.value)],
    ["msg", alert.explanation],
  ];
  const body = fields.map(([name, value]) => `${name}=${cefValue(value)}`).join(" ");
  return `${head}|${CEF_LEVELS[alert.severity]}|${body}`;
}

/** PRINTUSASCII, as header fields must be. */
const headerText = (text: string, most: number) =>
  text.replace(/[^\x21-\x7e]/g, "_").slice(0, most) || "-";
const lineText = (text: string) => text.replace(/[\r\n]+/g, " ").replaceAll("\0", " ");
const paramText = (text: string) => lineText(text).replace(/[\\"\]]/g, "\\$&");
const cefHeader = (text: string) => lineText(text).replace(/[\\|]/g, "\\$&");
const cefValue = (text: string) =>
  text
    .replace(/[\\=]/g, "\\$&")
    .replace(/\r?\n|\r/g, "\\n")
    .replaceAll("\u0000", " ");

/** UDP and plain TCP have no receipt: what the network loses after `send` is lost. */
export function createSyslog(config: SyslogConfig): Output {
  const { name, format = "rfc5424" } = config;
  return {
    name,
    async send(alerts) {
      const lines = alerts.map((alert) => Buffer.from(syslogLine(alert, format)));
      if (config.transport === "udp") await sendDatagrams(config, lines);
      else await sendStream(config, lines);
    },
    close: async () => undefined,
  };
}

async function sendDatagrams(config: SyslogConfig, lines: readonly Buffer[]): Promise<void> {
  const socket = createSocket(config.host.includes(":") ? "udp6" : "udp4");
  try {
    for (const line of lines) {
      await new Promise<void>((resolve, reject) => {
        socket.send(line, config.port, config.host, (error) => (error ? reject(error) : resolve()));
      });
    }
  } finally {
    socket.close();
  }
}

/** Octet counting (RFC 6587 3.4.1); the receiver has read all when it sees our end. */
function sendStream(config: SyslogConfig, lines: readonly Buffer[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const { host, port } = config;
    const socket: Socket =
      config.transport === "tls"
        ? connectTls({ host, port, ca: config.ca })
        : connectTcp({ host, port });
    socket.setTimeout(MS_MAX, () => socket.destroy(new Error(`syslog ${config.name}: no answer`)));
    socket.on("error", reject);
    socket.on("close", (failed) => (failed ? undefined : resolve()));
    socket.once(config.transport === "tls" ? "secureConnect" : "connect", () => {
      for (const line of lines) socket.write(Buffer.concat([Buffer.from(`${line.length} `), line]));
      socket.end();
    });
    socket.resume();
  });
}

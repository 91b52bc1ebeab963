/** A page with the timeline of messages, faults and alerts for each board; it needs no network. */
import { durationText } from "../duration.ts";
import { type BoardResult, isPassed, type RunResult, type TimelineEntry } from "../result.ts";
import { escapeXml } from "./junit.ts";
import { repeatCommand } from "./terminal.ts";

const BOARDS_MAX = 100;
const ENTRIES_MAX = 4000;
const WIDTH = 1000;
const LANES = ["message", "action", "fault", "restart", "alert"] as const;
const LANE_HEIGHT = 14;
/** Room for the names of the lanes. */
const LEFT = 70;

const STYLE = `
body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1120px;padding:0 1rem;
color:#1c2430;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.15rem;margin-top:2.5rem}h3{font-size:1rem;margin-bottom:.2rem}
table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:left;
vertical-align:top}.pass{color:#12703c}.fail{color:#b3261e;font-weight:600}
svg{width:100%;height:auto;background:#f5f7fa;border-radius:4px}
svg text{font:10px system-ui,sans-serif;fill:#5b6675}
.message{fill:#8aa4c8}.action{fill:#6b5fb5}.fault{fill:#d98a1f;fill-opacity:.65}.restart{fill:#444c58}
.alert{fill:#c62828}
code{background:#f0f2f5;padding:.1rem .3rem}details{margin:.3rem 0 1rem}
@media(prefers-color-scheme:dark){body{background:#14181e;color:#dde3ea}svg,code{background:#1e242c}
.pass{color:#5cc98b}.fail{color:#ff8a80}}
`;

export function htmlPage(results: readonly RunResult[]): string {
  const failed = results.filter((result) => !isPassed(result)).length;
  const verdict =
    failed === 0
      ? `<span class="pass">all ${results.length} passed</span>`
      : `<span class="fail">${failed} of ${results.length} failed</span>`;
  const body = results.map(runSection).join("\n");
  const contents = results
    .map((result, i) => {
      const name = `<a href="#run-${i}">${escapeXml(result.scenario)}</a>`;
      return isPassed(result) ? name : `<strong class="fail">${name}</strong>`;
    })
    .join(", ");
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>picket sim</title><style>${STYLE}</style></head>
<body><h1>Picket simulator: ${verdict}</h1>
${results.length > 1 ? `<p>${contents}</p>` : ""}
${body}
</body></html>
`;
}

function runSection(result: RunResult, index: number): string {
  const verdict = isPassed(result)
    ? '<span class="pass">passed</span>'
    : '<span class="fail">failed</span>';
  const checks = result.checks
    .map(
      ({ name, isMet, found }) =>
        `<tr><td class="${isMet ? "pass" : "fail"}">${isMet ? "met" : "not met"}</td>` +
        `<td>${escapeXml(name)}</td><td>${escapeXml(found)}</td></tr>`,
    )
    .join("\n");
  const alerts = result.alerts
    .map(
      (alert) =>
        `<tr><td>${escapeXml(alert.time)}</td><td>${escapeXml(alert.deviceId)}</td>` +
        `<td>${escapeXml(alert.severity)}</td><td>${escapeXml(alert.displayName)}</td>` +
        `<td>${escapeXml(alert.explanation)}</td></tr>`,
    )
    .join("\n");
  const shown = result.boards.slice(0, BOARDS_MAX);
  const rest = result.boards.length - shown.length;
  const boards = shown.map((board) => boardTimeline(result, board)).join("\n");
  return `<section id="run-${index}"><h2>${escapeXml(result.scenario)}: ${verdict}</h2>
<p>${escapeXml(result.purpose)}</p>
<p>${durationText(result.durationMs)} of virtual time, seed ${result.seed}.
Repeat: <code>${escapeXml(repeatCommand(result))}</code></p>
<table>${checks}</table>
${alerts === "" ? "<p>No alerts.</p>" : `<h3>Alerts</h3><table>${alerts}</table>`}
${boards}
${rest > 0 ? `<p>${rest} more boards are left out.</p>` : ""}</section>`;
}

function boardTimeline({ timeline, durationMs }: RunResult, board: BoardResult): string {
  const { deviceId } = board;
  const own = timeline.filter((entry) => entry.deviceId === deviceId);
  // Messages are many and alike: the rest is shown first when there is too much.
  const ranked = [...own].sort(
    (a, b) => Number(a.kind === "message") - Number(b.kind === "message"),
  );
  const shown = ranked.slice(0, ENTRIES_MAX);
  const endMs = Math.max(durationMs, ...shown.map(({ timeMs }) => timeMs));
  const x = (timeMs: number) => LEFT + ((WIDTH - LEFT - 10) * Math.min(timeMs, endMs)) / endMs;
  const marks = shown.map((entry) => markSvg(entry, x)).join("");
  const names = LANES.map(
    (lane, i) => `<text x="4" y="${i * LANE_HEIGHT + 11}">${lane}</text>`,
  ).join("");
  const height = LANES.length * LANE_HEIGHT + 16;
  const scale = [0, 0.25, 0.5, 0.75, 1]
    .map((part) => {
      const ms = Math.round((durationMs * part) / 1000) * 1000;
      const anchor = part === 1 ? ' text-anchor="end"' : "";
      const label = ms === 0 ? "0" : durationText(ms);
      return `<text x="${x(durationMs * part).toFixed(1)}" y="${height - 4}"${anchor}>${label}</text>`;
    })
    .join("");
  const list = own
    .filter(({ kind }) => kind !== "message")
    .slice(0, 200)
    .map(({ timeMs, kind, text }) => {
      return `<tr><td>${(timeMs / 1000).toFixed(1)} s</td><td>${kind}</td><td>${escapeXml(text)}</td></tr>`;
    })
    .join("\n");
  return `<h3>${escapeXml(deviceId)}</h3>
<p>${escapeXml(boardText(board))}</p>
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="timeline of ${escapeXml(deviceId)}">
${names}${marks}${scale}</svg>
<details><summary>actions, faults, restarts and alerts in order</summary><table>${list}</table></details>`;
}

/** What the board is, and its counters that are not zero. */
function boardText({ profile, flash, counters }: BoardResult): string {
  const what = profile ? `${profile.title}, core under ${profile.backend}. ` : "";
  const store = flash
    ? `Events in flash: ${flash.sectors} sectors of ${flash.sectorBytes} B, program unit ${flash.unitBytes} B. `
    : "";
  const found = Object.entries(counters).filter(([, count]) => count !== 0);
  return `${what}${store}${found.map(([name, count]) => `${name} ${count}`).join(", ")}.`;
}

function markSvg(entry: TimelineEntry, x: (timeMs: number) => number): string {
  const { kind, text, timeMs, forMs = 0 } = entry;
  const y = LANES.indexOf(kind) * LANE_HEIGHT + 2;
  const left = x(timeMs);
  const width = Math.max(kind === "message" ? 1 : 3, x(timeMs + forMs) - left);
  const title = escapeXml(`${(timeMs / 1000).toFixed(1)} s: ${text}`);
  const place = `x="${left.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="10"`;
  return `<rect class="${kind}" ${place}><title>${title}</title></rect>`;
}

/** Puts hub, detection and boards together for `picket demo`. */
import { buildCore } from "../boards/build.ts";
import { createDetection } from "../detect/detection.ts";
import { DEFAULT_GROUP, parseGroup } from "../detect/groups.ts";
import { createProcessor } from "../detect/processor.ts";
import { createService } from "../detect/service.ts";
import { openWorkspace } from "../detect/workspace.ts";
import { createHub } from "../hub/hub.ts";
import { createSasToken } from "../hub/sas.ts";
import { DEMO_BOARDS, DEMO_GROUP } from "../sim/demo/plan.ts";
import {
  alertLine,
  boardTable,
  type DemoAlert,
  demoDocument,
  findFaults,
} from "../sim/demo/report.ts";
import { type BoardView, startDemo } from "../sim/demo/run.ts";
import { UserError } from "./errors.ts";
import { createScreen } from "./screen.ts";

export interface DemoFlags {
  readonly once?: true;
  readonly json?: true;
  readonly speed: number;
  readonly port: number;
}

const TOKEN_SECONDS = 3600;
const REFRESH_MS = 250;

/** @returns the exit status */
export async function runDemo({ once, json, speed, port }: DemoFlags): Promise<number> {
  if (json && !once)
    throw new UserError("--json needs --once: a demo without end has no document", 2);
  const screen = createScreen(json ? process.stderr : process.stdout);
  const alerts = new Map<string, DemoAlert>();
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);

  const hub = await createHub({ mqttPort: port });
  const workspace = await openWorkspace();
  const groups = [parseGroup(DEFAULT_GROUP, DEMO_GROUP)];
  const service = await createService({
    processor: createProcessor(createDetection({ groups })),
    workspace,
    sinks: [
      {
        alert(alert) {
          if (!alerts.has(alert.id) && !json) screen.line(alertLine(alert));
          alerts.set(alert.id, alert);
        },
      },
    ],
    now: Date.now,
  });
  hub.onTelemetry((message) => service.ingest(message));
  if (!json)
    screen.line(
      `hub on ${hub.hostName}:${hub.mqttPort} (MQTT over TLS), ${speed} times real speed`,
    );

  try {
    const { wasm } = await buildCore();
    const demo = await startDemo({
      hub,
      createToken: (resource, key) =>
        createSasToken(resource, key, Date.now() / 1000 + TOKEN_SECONDS),
      boards: DEMO_BOARDS,
      wasm,
      speed,
      once: once === true,
      now: () => performance.now(),
      signal: abort.signal,
    });
    const show = () => screen.block(boardTable(demo.boards, [...alerts.values()]));
    const refresh = json ? undefined : setInterval(show, REFRESH_MS);
    await demo.finished;
    clearInterval(refresh);
    if (!json) show();
    screen.end();
    const totals = { ...service.counts(), boards: demo.boards };
    return conclude(totals, [...alerts.values()], {
      once: once === true && !abort.signal.aborted,
      json,
    });
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    await hub.close();
    await service.close();
  }
}

interface Totals {
  readonly boards: readonly BoardView[];
  readonly messages: number;
  readonly events: number;
  readonly deadLetters: number;
  readonly repeats: number;
}

function conclude(
  { boards, messages, events, deadLetters, repeats }: Totals,
  alerts: readonly DemoAlert[],
  { once, json }: { once: boolean; json?: true | undefined },
): number {
  const failedSends = boards.reduce((sum, board) => sum + board.failed, 0);
  const totals = { messages, events, dropped: { deadLetters, repeats, failedSends } };
  if (json) process.stdout.write(`${JSON.stringify(demoDocument(boards, totals, alerts))}\n`);
  else {
    if (!process.stdout.isTTY) process.stdout.write(boardTable(boards, alerts));
    process.stdout.write(`${messages} messages, ${events} events, ${alerts.length} alerts\n`);
  }
  if (!once) return 0;
  const faults = findFaults(DEMO_BOARDS, alerts);
  for (const fault of faults) process.stderr.write(`picket: ${fault}\n`);
  return faults.length === 0 ? 0 : 1;
}

/** Puts hub, detection and boards together for `picket demo`. */
import { buildCore } from "../boards/build.ts";
import { createDetection } from "../detect/detection.ts";
import { DEFAULT_GROUP, parseGroup } from "../detect/groups.ts";
import { createProcessor } from "../detect/processor.ts";
import { createService, type DetectionService } from "../detect/service.ts";
import { openWorkspace } from "../detect/workspace.ts";
import { retain } from "../detect/workspace-export.ts";
import { createHub } from "../hub/hub.ts";
import { createSasToken } from "../hub/sas.ts";
import { type AlertLog, createAlertLog } from "../sim/demo/alert-log.ts";
import { DEMO_BOARDS, DEMO_GROUP, DEMO_OPTIONS } from "../sim/demo/plan.ts";
import { alertLine, boardTable, demoDocument, findFaults } from "../sim/demo/report.ts";
import { type Demo, startDemo } from "../sim/demo/run.ts";
import { UserError } from "./errors.ts";
import { createScreen, type Screen } from "./screen.ts";

export interface DemoFlags {
  readonly once?: true;
  readonly json?: true;
  readonly speed: number;
  readonly port: number;
}

type Closers = (() => unknown)[];

const TOKEN_SECONDS = 3600;
const REFRESH_MS = 250;
/** Kept of past messages by the hub, and of their events by detection: no end, no growth. */
const RETENTION_BYTES = 4 * 1024 * 1024;
const RETENTION = { ageMs: 0, rawEventsMax: 20_000 };
const RETAIN_MS = 5000;
const EXIT_INTERRUPTED = 130;

/** @returns the exit status */
export async function runDemo(flags: DemoFlags): Promise<number> {
  if (flags.json && !flags.once)
    throw new UserError("--json needs --once: a demo without end has no document", 2);
  // Before signals are caught: compiling cannot be interrupted.
  const { wasm } = await buildCore(DEMO_OPTIONS);
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const closers: Closers = [() => process.off("SIGINT", stop).off("SIGTERM", stop)];
  try {
    return await run(flags, wasm, abort.signal, closers);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function run(
  { once, json, speed, port }: DemoFlags,
  wasm: Uint8Array,
  signal: AbortSignal,
  closers: Closers,
): Promise<number> {
  const screen = json ? null : createScreen(process.stdout);
  const alerts = createAlertLog((alert) => screen?.line(alertLine(alert)));
  const service = await startDetection(alerts, closers);
  const hub = await createHub({ mqttPort: port, limits: { retentionBytes: RETENTION_BYTES } });
  closers.push(() => hub.close());
  hub.onTelemetry((message) => service.ingest(message));
  screen?.line(`hub on ${hub.hostName}:${hub.mqttPort} (MQTT over TLS), ${speed} x real speed`);
  const demo = await startDemo({
    hub,
    createToken: (resource, key) =>
      createSasToken(resource, key, Date.now() / 1000 + TOKEN_SECONDS),
    boards: DEMO_BOARDS,
    wasm,
    speed,
    once: once === true,
    now: () => performance.now(),
    signal,
  });
  await show(demo, alerts, screen);
  return conclude(demo, service, alerts, {
    once: once === true,
    isInterrupted: signal.aborted,
    json: json === true,
  });
}

async function startDetection(alerts: AlertLog, closers: Closers): Promise<DetectionService> {
  const workspace = await openWorkspace();
  closers.push(() => workspace.close());
  const groups = [parseGroup(DEFAULT_GROUP, DEMO_GROUP)];
  const service = await createService({
    processor: createProcessor(createDetection({ groups })),
    workspace,
    sinks: [{ alert: alerts.add }],
    now: Date.now,
  });
  closers.push(() => service.close());
  const cleaning = setInterval(() => {
    // What could not be let go now is let go next time.
    retain(workspace, RETENTION, Date.now()).catch(() => undefined);
  }, RETAIN_MS);
  closers.push(() => clearInterval(cleaning));
  return service;
}

/** Keeps the table on the screen until the demo ends. */
async function show(demo: Demo, alerts: AlertLog, screen: Screen | null): Promise<void> {
  const draw = () => screen?.block(boardTable(demo.boards, alerts));
  const refresh = setInterval(draw, REFRESH_MS);
  try {
    await demo.finished;
  } finally {
    clearInterval(refresh);
    draw();
    screen?.end();
  }
}

/** Prints what came of it. @returns the exit status */
function conclude(
  demo: Demo,
  service: DetectionService,
  alerts: AlertLog,
  { once, isInterrupted, json }: { once: boolean; isInterrupted: boolean; json: boolean },
): number {
  const { messages, events, deadLetters, repeats } = service.counts();
  if (once && isInterrupted) {
    process.stderr.write("picket: interrupted before the captures were through\n");
    return EXIT_INTERRUPTED;
  }
  if (json) {
    const failedSends = demo.boards.reduce((sum, board) => sum + board.failed, 0);
    const totals = { messages, events, dropped: { deadLetters, repeats, failedSends } };
    const document = demoDocument(demo.boards, totals, alerts.list());
    process.stdout.write(`${JSON.stringify(document)}\n`);
  } else {
    if (!process.stdout.isTTY) process.stdout.write(boardTable(demo.boards, alerts));
    process.stdout.write(`${messages} messages, ${events} events, ${alerts.raised()} alerts\n`);
  }
  if (!once) return 0;
  const faults = findFaults(DEMO_BOARDS, alerts.list());
  for (const fault of faults) process.stderr.write(`picket: ${fault}\n`);
  return faults.length === 0 ? 0 : 1;
}

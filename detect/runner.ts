/** The detection service put together: workspace, rules, feeds, sources, outputs, HTTP API. */
import { startApi } from "./api/server.ts";
import { type Control, createControl } from "./control.ts";
import { createDetection } from "./detection.ts";
import { createFeedControl } from "./feed-control.ts";
import type { Intel } from "./intel.ts";
import { createMqttOutput } from "./outputs/mqtt.ts";
import { createOcsf } from "./outputs/ocsf.ts";
import { createOutbox, type Outbox, type Output } from "./outputs/outbox.ts";
import { createSyslog } from "./outputs/syslog.ts";
import { createWebhook } from "./outputs/webhook.ts";
import { createProcessor } from "./processor.ts";
import type { OutputConfig, RunnerConfig, SourceConfig } from "./runner-config.ts";
import { createService, type DetectionService, type DetectionSink } from "./service.ts";
import { startFolderSource } from "./sources/folder.ts";
import { startMqttSource } from "./sources/mqtt.ts";
import type { Source } from "./sources/source.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";
import { retain } from "./workspace-export.ts";

export interface Runner {
  readonly service: DetectionService;
  readonly control: Control;
  readonly workspace: Workspace;
  readonly outbox: Outbox;
  readonly intel: Intel;
  /** Of the HTTP API; null when it was not asked for. */
  readonly url: string | null;
  readonly sources: readonly Source[];
  close(): Promise<void>;
}

const TICK_MS = 5000;
const RECOMMEND_MS = 60_000;
const RETAIN_MS = 3_600_000;
/** Alerts still on their way are given so long at the end; what is left goes at the next start. */
const DRAIN_MS = 1000;

/** @param now wall clock, ms. @throws Error with one line when a part cannot start */
export async function startRunner(
  config: RunnerConfig,
  now: () => number,
  sinks: readonly DetectionSink[] = [],
  onFault: (line: string) => void = () => undefined,
): Promise<Runner> {
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const workspace = await openWorkspace(config.workspace, { isolated: true });
    closers.push(() => workspace.close());
    const feeds = await createFeedControl(workspace, config.feeds, now());
    const { intel } = feeds;
    const processor = createProcessor(createDetection());
    const outbox = await createOutbox(workspace, config.outputs.map(createOutput));
    closers.push(() => outbox.close());
    const service = await createService({ processor, workspace, outbox, sinks, now });
    closers.push(() => service.close());
    const control = await createControl({ processor, workspace, intel, initial: config.rules });
    outbox.kick();
    closers.push(() => outbox.drain(DRAIN_MS));
    const every = (ms: number, work: () => Promise<unknown>) => {
      const timer = setInterval(() => {
        work().catch((error: Error) => onFault(error.message));
      }, ms);
      closers.push(() => clearInterval(timer));
    };
    every(TICK_MS, () => service.tick(now()));
    every(RECOMMEND_MS, () => service.recommend(now()));
    every(RECOMMEND_MS, () => intel.refresh(now()));
    every(RETAIN_MS, () => retain(workspace, config.retention, now()));
    const sources = await startSources(config.sources, service, now, closers);
    let url: string | null = null;
    if (config.api) {
      const api = await startApi({ service, control, workspace, feeds, now }, config.api);
      closers.push(api.close);
      url = api.url;
    }
    return { service, control, workspace, outbox, intel, url, sources, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startSources(
  configs: readonly SourceConfig[],
  service: DetectionService,
  now: () => number,
  closers: (() => unknown)[],
): Promise<Source[]> {
  const sources: Source[] = [];
  for (const config of configs) {
    const source =
      config.type === "mqtt"
        ? await startMqttSource(config, service.ingest, now)
        : await startFolderSource(config, service.ingest);
    closers.push(() => source.close());
    sources.push(source);
  }
  return sources;
}

export function createOutput(config: OutputConfig): Output {
  switch (config.type) {
    case "webhook":
      return createWebhook(config);
    case "syslog":
      return createSyslog(config);
    case "ocsf":
      return createOcsf(config);
    case "mqtt":
      return createMqttOutput(config);
  }
}

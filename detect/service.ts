/**
 * Detection as a service: messages in, alerts out, everything stored before it is acknowledged.
 */
import { SECURITY_INTERFACE_ID } from "../wire/events.ts";
import type { OperationEntry } from "./inputs.ts";
import type { Outbox } from "./outputs/outbox.ts";
import type { Processor, SourceMessage } from "./processor.ts";
import {
  createRecommendations,
  deviceFindings,
  type HubFacts,
  hubFindings,
  type Recommendation,
} from "./recommendations.ts";
import {
  createLedger,
  type DeadLetter,
  type DetectionSink,
  type ServiceCounts,
} from "./service-ledger.ts";
import type { Workspace } from "./workspace.ts";
import { readRecommendations } from "./workspace-read.ts";
import { recommendationRow } from "./workspace-rows.ts";

export type { SourceMessage } from "./processor.ts";
export type { DeadLetter, DetectionSink, ServiceCounts } from "./service-ledger.ts";

export interface DetectionService {
  /** Resolves when what came of the message is stored: acknowledge it then. */
  ingest(message: SourceMessage): Promise<void>;
  operation(entry: OperationEntry): Promise<void>;
  tick(nowMs: number): Promise<void>;
  setGroup(deviceId: string, group: string | null): Promise<void>;
  /** False: there is no such open alert. */
  dismiss(alertId: string): Promise<boolean>;
  counts(): ServiceCounts;
  /** The latest dead letters, at most `DEAD_LETTERS_MAX`; the workspace has all. */
  deadLetters(): readonly DeadLetter[];
  readonly processor: Processor;
  /** Evaluates recommendations over all devices' states and, if given, the hub's facts. */
  recommend(nowMs: number, facts?: HubFacts): Promise<readonly Recommendation[]>;
  recommendations(): readonly Recommendation[];
  close(): Promise<void>;
}

export interface ServiceOptions {
  readonly processor: Processor;
  readonly workspace: Workspace | null;
  readonly sinks?: readonly DetectionSink[];
  /** Takes alerts out of the house; needs a workspace. */
  readonly outbox?: Outbox;
  /** The hub's clock, ms. */
  readonly now: () => number;
}

/** Resumes from the states in the workspace, if there is one. */
export async function createService(options: ServiceOptions): Promise<DetectionService> {
  const { processor, workspace, sinks = [], outbox = null, now } = options;
  const ledger = createLedger({ processor, workspace, sinks, outbox, now });
  const { counts, letters, emit, store } = ledger;
  const advisor = await createAdvisor(processor, workspace);
  if (workspace) await restoreStates(processor, workspace);

  return {
    async ingest(source) {
      if (!isSecurityMessage(source)) {
        counts.otherMessages += 1;
        return;
      }
      ledger.take(source, processor.take(source));
      await store();
    },
    async operation(entry) {
      counts.operations += 1;
      emit(processor.operation(entry));
      await store();
    },
    async tick(nowMs) {
      emit(processor.tick(nowMs));
      await store();
    },
    async setGroup(deviceId, group) {
      emit(processor.setGroup(deviceId, group, now()));
      await store();
    },
    async dismiss(alertId) {
      for (const state of processor.states.values()) {
        if (!state.open.some((alert) => alert.id === alertId)) continue;
        emit(processor.dismiss(state.deviceId, alertId, now()));
        await store();
        return true;
      }
      return false;
    },
    ...advisor,
    counts: () => ({ ...counts }),
    deadLetters: () => letters,
    processor,
    close: store,
  };
}

/** Recommendations over states and facts, kept in the workspace. */
async function createAdvisor(
  processor: Processor,
  workspace: Workspace | null,
): Promise<Pick<DetectionService, "recommend" | "recommendations">> {
  const advice = createRecommendations();
  if (workspace) advice.restore(await readRecommendations(workspace));
  let hubFacts: HubFacts | null = null;
  return {
    recommendations: advice.all,
    async recommend(nowMs, facts) {
      // What the hub told last still holds when only devices are evaluated.
      hubFacts = facts ?? hubFacts;
      const findings = [...processor.states.values()].flatMap(deviceFindings);
      if (hubFacts) findings.push(...hubFindings(hubFacts));
      const changed = advice.update(findings, nowMs);
      if (workspace && changed.length > 0) {
        const hubName = hubFacts?.hubName ?? "";
        const rows = changed.map((item) => recommendationRow(item, hubName));
        workspace.append("SecurityRecommendation", rows);
        await workspace.commit();
      }
      return changed;
    },
  };
}

/** Marked with the interface id, as the documents require of every security message. */
export function isSecurityMessage(message: SourceMessage): boolean {
  return message.systemProperties["iothub-interface-id"] === SECURITY_INTERFACE_ID;
}

async function restoreStates(processor: Processor, workspace: Workspace): Promise<void> {
  const { rows } = await workspace.query("SELECT State FROM PicketDeviceState", {
    rowsMax: 10_000_000,
  });
  for (const [text] of rows) processor.restore(JSON.parse(String(text)));
}

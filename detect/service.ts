/**
 * Detection as a service: messages in, alerts out, everything stored before it is acknowledged.
 */
import { SECURITY_INTERFACE_ID } from "../wire/events.ts";
import type { Alert } from "./alerts.ts";
import type { OperationEntry } from "./inputs.ts";
import type { Outbox } from "./outputs/outbox.ts";
import type { Processed, Processor, SourceMessage } from "./processor.ts";
import {
  createRecommendations,
  deviceFindings,
  type HubFacts,
  hubFindings,
  type Recommendation,
} from "./recommendations.ts";
import type { Workspace } from "./workspace.ts";
import { readRecommendations } from "./workspace-read.ts";
import { alertRow, deadLetterRow, eventRows, recommendationRow } from "./workspace-rows.ts";

export type { SourceMessage } from "./processor.ts";

/** A message that did not decode, kept with the reason. */
export interface DeadLetter {
  readonly deviceId: string;
  readonly moduleId: string | null;
  readonly timeMs: number;
  readonly reason: string;
  readonly bytes: number;
}

/** Called in order with what happened; must not throw. */
export interface DetectionSink {
  alert?(alert: Alert): void;
  deadLetter?(letter: DeadLetter): void;
  processed?(source: SourceMessage, result: Processed): void;
}

export interface ServiceCounts {
  readonly messages: number;
  readonly events: number;
  readonly repeats: number;
  readonly deadLetters: number;
  /** Messages without the security interface id: not ours, left alone. */
  readonly otherMessages: number;
  readonly alertsRaised: number;
  readonly operations: number;
}

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

export const DEAD_LETTERS_MAX = 100;

/** Resumes from the states in the workspace, if there is one. */
export async function createService(options: ServiceOptions): Promise<DetectionService> {
  const { processor, workspace, sinks = [], outbox, now } = options;
  const letters: DeadLetter[] = [];
  const advice = createRecommendations();
  let hubFacts: HubFacts | null = null;
  const counts = {
    messages: 0,
    events: 0,
    repeats: 0,
    deadLetters: 0,
    otherMessages: 0,
    alertsRaised: 0,
    operations: 0,
  };
  if (workspace) {
    await restoreStates(processor, workspace);
    advice.restore(await readRecommendations(workspace));
  }

  const emit = (alerts: readonly Alert[]) => {
    for (const alert of alerts) {
      if (alert.isNew) counts.alertsRaised += 1;
      for (const sink of sinks) sink.alert?.(alert);
    }
    if (alerts.length > 0) outbox?.queue(alerts);
    if (alerts.length > 0) {
      workspace?.append(
        "SecurityAlert",
        alerts.map((alert) => alertRow(alert, now())),
      );
    }
  };
  const store = async (): Promise<void> => {
    if (!workspace) {
      processor.takeChanged();
      return;
    }
    const saved = new Date(now());
    const rows = processor.takeChanged().map((state) => ({
      DeviceId: state.deviceId,
      SavedAt: saved,
      State: JSON.stringify(state),
    }));
    workspace.append("PicketDeviceState", rows);
    await workspace.commit();
    outbox?.kick();
  };
  const bury = (source: SourceMessage, reason: string) => {
    counts.deadLetters += 1;
    const { deviceId, moduleId, enqueuedTimeMs: timeMs } = source;
    const letter = { deviceId, moduleId, timeMs, reason, bytes: source.body.length };
    letters.push(letter);
    if (letters.length > DEAD_LETTERS_MAX) letters.shift();
    workspace?.append("PicketDeadLetter", [deadLetterRow(source, reason)]);
    for (const sink of sinks) sink.deadLetter?.(letter);
  };

  return {
    async ingest(source) {
      if (!isSecurityMessage(source)) {
        counts.otherMessages += 1;
        return;
      }
      counts.messages += 1;
      const result = processor.take(source);
      if (result.failure !== null) bury(source, result.failure);
      counts.events += result.events.length;
      counts.repeats += result.repeats;
      if (workspace && result.message && result.events.length > 0) {
        workspace.append("SecurityIoTRawEvent", eventRows(source, result.message, result.events));
      }
      for (const sink of sinks) sink.processed?.(source, result);
      emit(result.alerts);
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
    async recommend(nowMs, facts) {
      // What the hub told last still holds when only devices are evaluated.
      hubFacts = facts ?? hubFacts;
      const devices = [...processor.states.values()].flatMap(deviceFindings);
      const changed = advice.update(
        [...devices, ...(hubFacts ? hubFindings(hubFacts) : [])],
        nowMs,
      );
      if (workspace && changed.length > 0) {
        const hubName = hubFacts?.hubName ?? "";
        workspace.append(
          "SecurityRecommendation",
          changed.map((item) => recommendationRow(item, hubName)),
        );
        await workspace.commit();
      }
      return changed;
    },
    recommendations: advice.all,
    counts: () => ({ ...counts }),
    deadLetters: () => letters,
    processor,
    close: store,
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

/** What the service counts, tells its sinks, and writes to the workspace. */
import type { Alert } from "./alerts.ts";
import type { Outbox } from "./outputs/outbox.ts";
import type { Processed, Processor, SourceMessage } from "./processor.ts";
import type { Workspace } from "./workspace.ts";
import { alertRow, deadLetterRow, eventRows } from "./workspace-rows.ts";

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

export interface LedgerPorts {
  readonly processor: Processor;
  readonly workspace: Workspace | null;
  readonly sinks: readonly DetectionSink[];
  readonly outbox: Outbox | null;
  readonly now: () => number;
}

export interface Ledger {
  readonly counts: { -readonly [K in keyof ServiceCounts]: number };
  readonly letters: readonly DeadLetter[];
  /** Takes what came of a message. */
  take(source: SourceMessage, result: Processed): void;
  emit(alerts: readonly Alert[]): void;
  /** Resolves when everything taken, and the states that it led to, is stored. */
  store(): Promise<void>;
}

export const DEAD_LETTERS_MAX = 100;

export function createLedger(ports: LedgerPorts): Ledger {
  const { processor, workspace, sinks, outbox, now } = ports;
  const letters: DeadLetter[] = [];
  const counts = {
    messages: 0,
    events: 0,
    repeats: 0,
    deadLetters: 0,
    otherMessages: 0,
    alertsRaised: 0,
    operations: 0,
  };

  const emit = (alerts: readonly Alert[]) => {
    if (alerts.length === 0) return;
    for (const alert of alerts) {
      if (alert.isNew) counts.alertsRaised += 1;
      for (const sink of sinks) sink.alert?.(alert);
    }
    outbox?.queue(alerts);
    const rows = alerts.map((alert) => alertRow(alert, now()));
    workspace?.append("SecurityAlert", rows);
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
  const take = (source: SourceMessage, result: Processed) => {
    counts.messages += 1;
    counts.events += result.events.length;
    counts.repeats += result.repeats;
    if (result.failure !== null) bury(source, result.failure);
    if (workspace && result.message && result.events.length > 0) {
      workspace.append("SecurityIoTRawEvent", eventRows(source, result.message, result.events));
    }
    for (const sink of sinks) sink.processed?.(source, result);
    emit(result.alerts);
  };
  const store = async () => {
    const changed = processor.takeChanged();
    if (!workspace) return;
    const saved = new Date(now());
    const rows = changed.map((state) => ({
      DeviceId: state.deviceId,
      SavedAt: saved,
      State: JSON.stringify(state),
    }));
    workspace.append("PicketDeviceState", rows);
    await workspace.commit();
    outbox?.kick();
  };
  return { counts, letters, take, emit, store };
}

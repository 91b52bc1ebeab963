/**
 * Alerts on their way out. Each waits in the workspace until its output has taken it, so that
 * neither a receiver that is down nor the end of the process loses one. At least once, in order.
 */
import type { Alert } from "../alerts.ts";
import type { Workspace } from "../workspace.ts";

export interface Output {
  readonly name: string;
  /** Resolves when the receiver has the alerts; rejects to try again later. */
  send(alerts: readonly Alert[]): Promise<void>;
  close(): Promise<void>;
}

export interface OutputStatus {
  readonly name: string;
  readonly sent: number;
  readonly waiting: number;
  /** Why the last attempt failed, one line; null when it did not. */
  readonly error: string | null;
}

export interface Outbox {
  /** Queues alerts for the next commit of the workspace. */
  queue(alerts: readonly Alert[]): void;
  /** Sends what has been committed. */
  kick(): void;
  status(): Promise<OutputStatus[]>;
  /** Resolves when nothing waits, or `msMax` has passed. */
  drain(msMax: number): Promise<void>;
  close(): Promise<void>;
}

const BATCH_MAX = 100;
/** Wait after a failure, ms: doubled each time, up to the second. */
const RETRY_MS = [1000, 60_000] as const;

interface Lane {
  readonly output: Output;
  /** Sends what has been committed, now or after the send that runs. */
  kick(): void;
  /** Alerts that wait. */
  waiting(): Promise<number>;
  status(): Promise<OutputStatus>;
  close(): Promise<void>;
}

/** @param retryMs first and longest wait after a failure */
export async function createOutbox(
  workspace: Workspace,
  outputs: readonly Output[],
  retryMs: readonly [number, number] = RETRY_MS,
): Promise<Outbox> {
  const last = await workspace.query("SELECT max(Sequence)::DOUBLE FROM PicketOutbox");
  let sequence = Number(last.rows[0]?.[0] ?? 0);
  const lanes = outputs.map((output) => createLane(workspace, output, retryMs));

  return {
    queue(alerts) {
      for (const { output } of lanes) {
        workspace.append(
          "PicketOutbox",
          alerts.map((alert) => {
            sequence += 1;
            return { Sequence: sequence, Output: output.name, Alert: JSON.stringify(alert) };
          }),
        );
      }
    },
    kick() {
      for (const lane of lanes) lane.kick();
    },
    status: () => Promise.all(lanes.map((lane) => lane.status())),
    async drain(msMax) {
      const end = performance.now() + msMax;
      for (const lane of lanes) {
        while (performance.now() < end && (await lane.waiting()) > 0) {
          lane.kick();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    },
    async close() {
      for (const lane of lanes) await lane.close();
    },
  };
}

/** The way of the alerts to one output. */
function createLane(
  workspace: Workspace,
  output: Output,
  retryMs: readonly [number, number],
): Lane {
  const { name } = output;
  let sent = 0;
  let failures = 0;
  let error: string | null = null;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  let again = false;
  let isClosed = false;

  const run = async () => {
    try {
      do {
        again = false;
        for (let count = BATCH_MAX; !isClosed && count === BATCH_MAX; ) {
          count = await sendBatch(workspace, output);
          if (count === 0) break;
          sent += count;
          failures = 0;
          error = null;
        }
      } while (again && !isClosed);
    } catch (failure) {
      failures += 1;
      error = ((failure as Error).message.split("\n")[0] ?? "").slice(0, 200);
      const wait = Math.min(retryMs[1], retryMs[0] * 2 ** (failures - 1));
      if (!isClosed) timer = setTimeout(start, wait);
    }
  };
  const start = () => {
    timer = null;
    if (isClosed) return;
    again = running !== null;
    running ??= run().finally(() => {
      running = null;
    });
  };
  const waiting = async () => {
    const { rows } = await workspace.query(
      "SELECT count(*)::INT FROM PicketOutbox WHERE Output = $1",
      { values: [name] },
    );
    return Number(rows[0]?.[0] ?? 0);
  };
  return {
    output,
    // One that waits after a failure keeps waiting: new alerts do not hurry a receiver.
    kick: () => {
      if (!timer) start();
    },
    waiting,
    status: async () => ({ name, sent, error, waiting: await waiting() }),
    async close() {
      isClosed = true;
      if (timer) clearTimeout(timer);
      await running;
      await output.close();
    },
  };
}

/** Sends the oldest alerts that wait, and takes them out. @returns how many */
async function sendBatch(workspace: Workspace, output: Output): Promise<number> {
  const { name } = output;
  const { rows } = await workspace.query(
    "SELECT Sequence, Alert FROM PicketOutbox WHERE Output = $1 ORDER BY Sequence LIMIT $2",
    { values: [name, BATCH_MAX] },
  );
  if (rows.length === 0) return 0;
  await output.send(rows.map(([, text]) => JSON.parse(String(text)) as Alert));
  const upTo = Number(rows.at(-1)?.[0]);
  const quoted = name.replaceAll("'", "''");
  await workspace.change(
    `DELETE FROM PicketOutbox WHERE Output = '${quoted}' AND Sequence <= ${upTo}`,
  );
  return rows.length;
}

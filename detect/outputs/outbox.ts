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
  sent: number;
  failures: number;
  error: string | null;
  timer: NodeJS.Timeout | null;
  running: Promise<void> | null;
  again: boolean;
}

/** @param retryMs first and longest wait after a failure */
export async function createOutbox(
  workspace: Workspace,
  outputs: readonly Output[],
  retryMs: readonly [number, number] = RETRY_MS,
): Promise<Outbox> {
  const last = await workspace.query("SELECT max(Sequence)::DOUBLE FROM PicketOutbox");
  let sequence = Number(last.rows[0]?.[0] ?? 0);
  let isClosed = false;
  const lanes = outputs.map(
    (output): Lane => ({
      output,
      sent: 0,
      failures: 0,
      error: null,
      timer: null,
      running: null,
      again: false,
    }),
  );

  /** Sends one batch. @returns true when there may be more */
  const sendBatch = async (lane: Lane): Promise<boolean> => {
    const { name } = lane.output;
    const { rows } = await workspace.query(
      "SELECT Sequence, Alert FROM PicketOutbox WHERE Output = $1 ORDER BY Sequence LIMIT $2",
      { values: [name, BATCH_MAX] },
    );
    if (rows.length === 0) return false;
    await lane.output.send(rows.map(([, text]) => JSON.parse(String(text)) as Alert));
    const upTo = Number(rows.at(-1)?.[0]);
    const quoted = name.replaceAll("'", "''");
    await workspace.change(
      `DELETE FROM PicketOutbox WHERE Output = '${quoted}' AND Sequence <= ${upTo}`,
    );
    lane.sent += rows.length;
    lane.failures = 0;
    lane.error = null;
    return rows.length === BATCH_MAX;
  };
  const run = async (lane: Lane) => {
    try {
      do {
        lane.again = false;
        while (!isClosed && (await sendBatch(lane)));
      } while (lane.again && !isClosed);
    } catch (error) {
      lane.failures += 1;
      lane.error = ((error as Error).message.split("\n")[0] ?? "").slice(0, 200);
      const wait = Math.min(retryMs[1], retryMs[0] * 2 ** (lane.failures - 1));
      if (!isClosed) lane.timer = setTimeout(() => start(lane), wait);
    }
  };
  const start = (lane: Lane) => {
    if (isClosed) return;
    if (lane.running) {
      lane.again = true;
      return;
    }
    if (lane.timer) clearTimeout(lane.timer);
    lane.timer = null;
    lane.running = run(lane).finally(() => {
      lane.running = null;
    });
  };
  const waiting = async (name: string) => {
    const { rows } = await workspace.query(
      "SELECT count(*)::INT FROM PicketOutbox WHERE Output = $1",
      { values: [name] },
    );
    return Number(rows[0]?.[0] ?? 0);
  };

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
      // A lane that waits after a failure keeps waiting: new alerts do not hurry a receiver.
      for (const lane of lanes) if (!lane.timer) start(lane);
    },
    status: () =>
      Promise.all(
        lanes.map(async ({ output, sent, error }) => ({
          name: output.name,
          sent,
          error,
          waiting: await waiting(output.name),
        })),
      ),
    async drain(msMax) {
      const end = performance.now() + msMax;
      for (const lane of lanes) {
        while (performance.now() < end && (await waiting(lane.output.name)) > 0) {
          if (!lane.timer) start(lane);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    },
    async close() {
      isClosed = true;
      for (const lane of lanes) {
        if (lane.timer) clearTimeout(lane.timer);
        await lane.running;
        await lane.output.close();
      }
    },
  };
}

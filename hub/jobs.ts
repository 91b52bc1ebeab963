import type { Clock } from "./clock.ts";
import { HubError, refuse } from "./errors.ts";
import type { Identity, Registry } from "./identity.ts";
import type { MethodCall, Methods } from "./methods.ts";
import type { OperationsLog } from "./operations.ts";
import { matches, type Row } from "./query/evaluate.ts";
import { parseCondition } from "./query/parser.ts";
import type { Store } from "./store.ts";
import type { Twins } from "./twin/twins.ts";

export type JobStatus = "scheduled" | "queued" | "running" | "completed" | "failed" | "cancelled";
export type JobType = "scheduleUpdateTwin" | "scheduleDeviceMethod";

export interface Job {
  readonly jobId: string;
  readonly type: JobType;
  readonly updateTwin: unknown;
  readonly cloudToDeviceMethod: MethodCall | null;
  readonly queryCondition: string;
  readonly createdMs: number;
  readonly startMs: number;
  readonly endMs: number | null;
  readonly maxExecutionTimeInSeconds: number;
  readonly status: JobStatus;
  readonly failureReason: string | null;
}

/** What a job did with one device. */
export interface DeviceJob {
  readonly jobId: string;
  readonly jobType: JobType;
  readonly deviceId: string;
  readonly moduleId: string | null;
  readonly status: "pending" | "running" | "completed" | "failed" | "canceled";
  readonly startMs: number;
  readonly endMs: number | null;
  readonly outcome: unknown;
  readonly error: { readonly code: string; readonly description: string } | null;
}

export interface JobInput {
  readonly jobId: string;
  readonly type: JobType;
  readonly updateTwin: unknown;
  readonly cloudToDeviceMethod: MethodCall | null;
  readonly queryCondition: string;
  /** ms since the Unix epoch; in the past: now. */
  readonly startMs: number;
  readonly maxExecutionTimeInSeconds: number;
}

export interface Jobs {
  /** @throws HubError 400, 409 */
  schedule(input: JobInput): Job;
  /** @throws HubError 404 */
  get(jobId: string): Job;
  /** @throws HubError 404, 400 (already over) */
  cancel(jobId: string): Job;
  list(): Iterable<Job>;
  deviceJobs(): Iterable<object>;
  resultsOf(jobId: string): readonly DeviceJob[];
  /** Starts what is due. */
  tick(): void;
}

export interface JobPorts {
  readonly store: Store;
  readonly registry: Registry;
  readonly twins: Twins;
  readonly methods: Pick<Methods, "invoke">;
  readonly operations: OperationsLog;
  readonly clock: Clock;
  /** A device as queries see it. */
  readonly rowOf: (identity: Identity) => Row;
}

const JOB_ID = /^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,256}$/;
const JOBS_MAX = 1000;
const AT_ONCE = 10;

export function createJobs(ports: JobPorts): Jobs {
  const { store, registry, twins, methods, operations, clock } = ports;
  const jobs = store.collection<Job>("jobs");
  const results = store.collection<DeviceJob>("jobResults");
  const running = new Set<string>();

  const get = (jobId: string) => {
    const job = jobs.get(jobId);
    if (job === undefined) throw new HubError(404, 404002, "JobNotFound", `Job ${jobId} not found`);
    return job;
  };
  const schedule = (input: JobInput) => {
    if (!JOB_ID.test(input.jobId)) throw refuse.argument("invalid job id");
    if (jobs.has(input.jobId)) {
      throw new HubError(409, 409104, "JobAlreadyExists", `Job ${input.jobId} already exists`);
    }
    parseCondition(input.queryCondition);
    forgetOldest();
    const nowMs = clock.now();
    const job: Job = {
      ...input,
      createdMs: nowMs,
      startMs: Math.max(input.startMs, nowMs),
      endMs: null,
      status: input.startMs > nowMs ? "scheduled" : "queued",
      failureReason: null,
    };
    jobs.put(job.jobId, job);
    record(job, "jobScheduled");
    return job;
  };
  const cancel = (jobId: string) => {
    const job = get(jobId);
    if (job.endMs !== null) throw refuse.argument(`Job ${jobId} is already ${job.status}`);
    return end(job, "cancelled", null);
  };

  function record(job: Job, operationName: string) {
    operations.record({
      category: "JobsOperations",
      operationName,
      properties: { jobId: job.jobId, type: job.type, status: job.status },
    });
  }
  function forgetOldest() {
    if (jobs.size < JOBS_MAX) return;
    const old = [...jobs.values()].find((job) => job.endMs !== null);
    if (old === undefined) throw new HubError(403, 403001, "QuotaExceeded", "too many jobs");
    jobs.delete(old.jobId);
    for (const { deviceId } of resultsOf(old.jobId)) results.delete(`${old.jobId}/${deviceId}`);
  }
  function end(job: Job, status: JobStatus, failureReason: string | null): Job {
    const ended = { ...job, status, failureReason, endMs: clock.now() };
    jobs.put(job.jobId, ended);
    record(ended, "jobEnded");
    return ended;
  }
  function resultsOf(jobId: string): DeviceJob[] {
    return [...results.values()].filter((result) => result.jobId === jobId);
  }

  const runDevice = async (job: Job, deviceId: string) => {
    const ref = { deviceId, moduleId: null };
    const result: DeviceJob = {
      jobId: job.jobId,
      jobType: job.type,
      deviceId,
      moduleId: null,
      status: "completed",
      startMs: clock.now(),
      endMs: null,
      outcome: null,
      error: null,
    };
    const key = `${job.jobId}/${deviceId}`;
    try {
      let outcome: unknown = null;
      if (job.type === "scheduleUpdateTwin") twins.patch(ref, job.updateTwin, "*");
      else if (job.cloudToDeviceMethod !== null) {
        outcome = { deviceMethodResponse: await methods.invoke(ref, job.cloudToDeviceMethod) };
      }
      results.put(key, { ...result, outcome, endMs: clock.now() });
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      const failure = { code: String(error.code), description: error.message };
      results.put(key, { ...result, status: "failed", error: failure, endMs: clock.now() });
    }
  };
  const run = async (queued: Job) => {
    const job: Job = { ...queued, status: "running" };
    jobs.put(job.jobId, job);
    const deadlineMs = clock.now() + job.maxExecutionTimeInSeconds * 1000;
    try {
      const condition = parseCondition(job.queryCondition);
      const due: string[] = [];
      for (const identity of registry.devices()) {
        if (results.has(`${job.jobId}/${identity.deviceId}`)) continue;
        if (matches(condition, ports.rowOf(identity))) due.push(identity.deviceId);
      }
      for (let at = 0; at < due.length; at += AT_ONCE) {
        if (jobs.get(job.jobId)?.endMs !== null) return;
        if (clock.now() > deadlineMs) {
          end(job, "failed", "JobRunPreconditionFailed: maxExecutionTimeInSeconds is over");
          return;
        }
        await Promise.all(due.slice(at, at + AT_ONCE).map((id) => runDevice(job, id)));
      }
      if (jobs.get(job.jobId)?.endMs === null) end(job, "completed", null);
    } catch (error) {
      end(job, "failed", error instanceof Error ? error.message : String(error));
    }
  };
  const tick = () => {
    for (const job of jobs.values()) {
      if (job.endMs !== null || running.has(job.jobId) || job.startMs > clock.now()) continue;
      running.add(job.jobId);
      run(job).finally(() => running.delete(job.jobId));
    }
  };
  function* deviceJobs(): Iterable<object> {
    for (const { startMs, endMs, ...result } of results.values()) {
      yield {
        ...result,
        createdDateTimeUtc: new Date(startMs).toISOString(),
        startTimeUtc: new Date(startMs).toISOString(),
        endTimeUtc: endMs === null ? null : new Date(endMs).toISOString(),
      };
    }
  }
  return { schedule, get, cancel, list: () => jobs.values(), deviceJobs, resultsOf, tick };
}

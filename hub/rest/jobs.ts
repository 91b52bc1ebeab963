import type { FastifyInstance, FastifyRequest } from "fastify";
import type { HubCore } from "../core.ts";
import { refuse } from "../errors.ts";
import type { Job, JobInput } from "../jobs.ts";
import type { MethodCall } from "../methods.ts";
import type { Authorized } from "./auth.ts";
import { headerText, objectBody, wholeNumber } from "./request.ts";

const SECONDS = { min: 1, max: 172_800, default: 3600 };
const PAGE = { min: 1, max: 1000, default: 100 };

/** Jobs v2: scheduled twin updates and direct methods. */
export function registerJobs(app: FastifyInstance, core: HubCore, auth: Authorized): void {
  const { jobs, store } = core;
  const service = auth("ServiceConnect");
  const jobId = (request: FastifyRequest) => (request.params as { jid: string }).jid;

  app.put("/jobs/v2/:jid", service, async (request) => {
    const job = jobs.schedule(inputOf(jobId(request), objectBody(request), core.clock.now()));
    await store.committed();
    setImmediate(jobs.tick);
    return view(core, job);
  });
  app.get("/jobs/v2/query", service, async (request, reply) => {
    const { jobStatus, jobType } = request.query as { jobStatus?: string; jobType?: string };
    const found = [...jobs.list()].filter(
      (job) => (!jobStatus || job.status === jobStatus) && (!jobType || job.type === jobType),
    );
    const size = wholeNumber("page size", headerText(request, "x-ms-max-item-count"), PAGE);
    const token = headerText(request, "x-ms-continuation") ?? "";
    const from = Number(Buffer.from(token, "base64").toString()) || 0;
    if (from + size < found.length) {
      reply.header("x-ms-continuation", Buffer.from(String(from + size)).toString("base64"));
    }
    return found.slice(from, from + size).map((job) => view(core, job));
  });
  app.get("/jobs/v2/:jid", service, async (request) => view(core, jobs.get(jobId(request))));
  app.post("/jobs/v2/:jid/cancel", service, async (request) => {
    const job = jobs.cancel(jobId(request));
    await store.committed();
    return view(core, job);
  });
}

function inputOf(jobId: string, body: Readonly<Record<string, unknown>>, nowMs: number): JobInput {
  const { type, queryCondition, startTime, updateTwin, maxExecutionTimeInSeconds } = body;
  if (type !== "scheduleUpdateTwin" && type !== "scheduleDeviceMethod") {
    throw refuse.argument("type must be scheduleUpdateTwin or scheduleDeviceMethod");
  }
  if (typeof queryCondition !== "string") throw refuse.argument("queryCondition must be a text");
  const startMs = typeof startTime === "string" && startTime ? Date.parse(startTime) : nowMs;
  if (Number.isNaN(startMs)) throw refuse.argument("startTime must be an ISO 8601 time");
  const method = type === "scheduleDeviceMethod" ? methodOf(body.cloudToDeviceMethod) : null;
  if (type === "scheduleUpdateTwin" && (typeof updateTwin !== "object" || updateTwin === null)) {
    throw refuse.argument("updateTwin must be an object");
  }
  return {
    jobId,
    type,
    updateTwin: type === "scheduleUpdateTwin" ? updateTwin : null,
    cloudToDeviceMethod: method,
    queryCondition,
    startMs,
    maxExecutionTimeInSeconds: wholeNumber(
      "maxExecutionTimeInSeconds",
      maxExecutionTimeInSeconds ?? undefined,
      SECONDS,
    ),
  };
}

function methodOf(value: unknown): MethodCall {
  const method = (value ?? {}) as Record<string, unknown>;
  if (typeof method.methodName !== "string") {
    throw refuse.argument("cloudToDeviceMethod.methodName must be a text");
  }
  const seconds = (name: string, max: number, fallback: number) =>
    wholeNumber(name, method[name] ?? undefined, { min: 0, max, default: fallback }) * 1000;
  return {
    methodName: method.methodName,
    payload: method.payload,
    responseTimeoutMs: seconds("responseTimeoutInSeconds", 3600, 30),
    connectTimeoutMs: seconds("connectTimeoutInSeconds", 300, 0),
  };
}

function view(core: HubCore, job: Job): object {
  const results = core.jobs.resultsOf(job.jobId);
  const count = (status: string) => results.filter((result) => result.status === status).length;
  const method = job.cloudToDeviceMethod;
  return {
    jobId: job.jobId,
    type: job.type,
    queryCondition: job.queryCondition,
    createdTime: new Date(job.createdMs).toISOString(),
    startTime: new Date(job.startMs).toISOString(),
    ...(job.endMs === null ? {} : { endTime: new Date(job.endMs).toISOString() }),
    maxExecutionTimeInSeconds: job.maxExecutionTimeInSeconds,
    status: job.status,
    ...(job.failureReason === null ? {} : { failureReason: job.failureReason }),
    ...(job.updateTwin === null ? {} : { updateTwin: job.updateTwin }),
    ...(method === null
      ? {}
      : {
          cloudToDeviceMethod: {
            methodName: method.methodName,
            payload: method.payload,
            responseTimeoutInSeconds: method.responseTimeoutMs / 1000,
            connectTimeoutInSeconds: method.connectTimeoutMs / 1000,
          },
        }),
    deviceJobStatistics: {
      deviceCount: results.length,
      failedCount: count("failed"),
      succeededCount: count("completed"),
      runningCount: 0,
      pendingCount: 0,
    },
  };
}

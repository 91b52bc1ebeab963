import { type Admin, createAdmin } from "./admin.ts";
import { type Authenticate, createAuthenticator } from "./authenticate.ts";
import { createFeedback, type Feedback } from "./c2d/feedback.ts";
import { createC2dService } from "./c2d/mqtt.ts";
import { type C2dQueues, createC2dQueues } from "./c2d/queue.ts";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";
import { createRegistry, type Identity, type Registry } from "./identity.ts";
import { identityKey } from "./ids.ts";
import { createJobs, type Jobs } from "./jobs.ts";
import { openTelemetryLog, type TelemetryLog } from "./log/telemetry-log.ts";
import { createMethods, type Methods } from "./methods.ts";
import type { DeviceSession } from "./mqtt/device-session.ts";
import { createLiveDevices, type LiveDevices } from "./mqtt/devices.ts";
import { createOperationsLog, type OperationEntry, type OperationsLog } from "./operations.ts";
import { DEFAULT_LIMITS, type HubLimits, type HubOptions } from "./options.ts";
import { makeBuiltInPolicies, OWNER_POLICY, type Policy } from "./policies.ts";
import { createQuota, type Quota } from "./quota.ts";
import { createReceivedCounts } from "./received.ts";
import { twinView } from "./rest/views.ts";
import { type AuthorizeService, createServiceAuthorizer } from "./service-auth.ts";
import { openStore, type Store } from "./store.ts";
import { createTelemetry, type Telemetry } from "./telemetry.ts";
import { createTwinService } from "./twin/mqtt.ts";
import { createTwins, type Twins } from "./twin/twins.ts";
import { createCertificateCheck } from "./x509.ts";

/** The hub without its ports: what MQTT, REST and AMQP are views of. */
export interface HubCore {
  readonly hostName: string;
  readonly hostNames: readonly string[];
  readonly clock: Clock;
  readonly limits: HubLimits;
  readonly log: (line: string) => void;
  readonly store: Store;
  readonly registry: Registry;
  readonly policies: readonly Policy[];
  readonly authenticate: Authenticate;
  readonly authorizeService: AuthorizeService;
  readonly operations: OperationsLog;
  readonly telemetryLog: TelemetryLog;
  readonly telemetry: Telemetry;
  readonly partitions: number;
  /** When the hub was first started, ms since the Unix epoch. */
  readonly createdMs: number;
  readonly devices: LiveDevices;
  readonly twins: Twins;
  readonly methods: Methods;
  readonly queues: C2dQueues;
  readonly feedback: Feedback;
  readonly jobs: Jobs;
  readonly quota: Quota;
  readonly admin: Admin;
  /** Everything that time brings about; called about twice a second. */
  tick(): void;
  close(): void;
}

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];
const PARTITIONS = 4;
/** Telemetry kept without a data directory. */
const MEMORY_BYTES_MAX = 64 * 1024 * 1024;
const SAVE_EVERY_MS = 5_000;

/** @throws Error of one line when kept state is damaged */
export function createCore(options: HubOptions): HubCore {
  const limits: HubLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const clock = options.clock ?? SYSTEM_CLOCK;
  const log = options.log ?? (() => {});
  const hostName = options.hostName ?? "localhost";
  const hostNames = [...new Set([hostName, ...LOOPBACK_NAMES])];
  const dir = options.dataDir ?? null;
  const partitions = options.partitions ?? PARTITIONS;
  const store = openStore(dir, log);
  const operations = openOperations(store, clock, limits);
  const registry = createRegistry({ store, clock, modulesMax: limits.modulesMax });
  const policies = openPolicies(store, options);
  const quota = createQuota(store, clock);
  const admin = createAdmin({ store, clock, operations });
  const authenticate = createAuthenticator({
    registry,
    policies: () => policies,
    hostNames,
    clock,
    checkCertificate: createCertificateCheck(admin.verifiedCas, clock),
  });
  const received = createReceivedCounts(operations, clock);
  const { retentionMs } = limits;
  const retentionBytes =
    dir === null ? Math.min(limits.retentionBytes, MEMORY_BYTES_MAX) : limits.retentionBytes;
  const telemetryLog = openTelemetryLog({ dir, partitions, retentionMs, retentionBytes, log });
  const telemetry = createTelemetry({
    clock,
    sink: telemetryLog,
    partitions,
    bytesMax: limits.telemetryBytesMax,
    accepted: ({ source, isSecurity }, bytes) => {
      received.count(source, isSecurity, bytes);
      quota.count(source, isSecurity ? "security" : "telemetry", bytes);
    },
  });
  const twins = createTwins({ store, registry, clock });
  const queues = createC2dQueues({
    store,
    registry,
    clock,
    operations,
    queueMax: limits.c2dQueueMax,
    bytesMax: limits.c2dBytesMax,
  });
  queues.onSent((message) => quota.count(asRef(message), "c2d", bodyBytes(message.bodyBase64)));
  const feedback = createFeedback(store, queues, clock, limits.feedbackBatchMs);
  let devices: LiveDevices;
  const sessionOf = (key: string): DeviceSession | undefined => devices.get(key);
  const bytesMax = limits.methodBytesMax;
  const methods = createMethods({ registry, operations, sessionOf, bytesMax });
  const services = [
    createTwinService({ twins, store, operations, sessionOf, clock }),
    methods,
    createC2dService({ queues, clock, operations, sessionOf }),
  ];
  const isCurrent = (identity: Identity) => {
    const now = registry.get(identity);
    const device = registry.get({ deviceId: identity.deviceId, moduleId: null });
    const isSame = now?.generationId === identity.generationId;
    return isSame && now?.status === "enabled" && device?.status === "enabled";
  };
  devices = createLiveDevices({
    authenticate,
    clock,
    limits,
    operations,
    telemetry,
    services,
    isCurrent,
  });
  registry.onChange((event, identity) => {
    if (event === "created" || (event === "updated" && identity.status === "enabled")) return;
    // A new identity of the same name does not inherit the session.
    if (event === "deleted") store.collection("sessions").delete(identityKey(identity));
    const reason = event === "deleted" ? "identity was deleted" : "device was disabled";
    for (const session of [...devices.sessions()]) {
      const isOwn = session.key === identityKey(identity);
      const isModuleOf = identity.moduleId === null && session.deviceId === identity.deviceId;
      if (isOwn || isModuleOf) session.connection.close(reason);
    }
  });
  const core: HubCore = {
    hostName,
    hostNames,
    clock,
    limits,
    log,
    store,
    registry,
    policies,
    authenticate,
    authorizeService: createServiceAuthorizer(() => policies, hostNames, clock),
    operations,
    telemetryLog,
    telemetry,
    partitions,
    createdMs: openCreated(store, clock),
    devices,
    twins,
    methods,
    queues,
    feedback,
    jobs: createJobs({
      store,
      registry,
      twins,
      methods,
      operations,
      clock,
      rowOf: (identity) => twinView(core, identity, twins.get(identity)),
    }),
    quota,
    admin,
    tick,
    close: () => {
      methods.close();
      received.report();
      quota.save();
      telemetryLog.close();
      store.close();
    },
  };
  let savedMs = 0;
  function tick() {
    devices.closeExpired();
    received.report();
    queues.expire();
    feedback.tick();
    core.jobs.tick();
    if (clock.now() - savedMs < SAVE_EVERY_MS) return;
    savedMs = clock.now();
    quota.save();
    telemetryLog.retain(savedMs);
  }
  return core;
}

/** The operations log goes on counting after a restart; the last entries are kept. */
function openOperations(store: Store, clock: Clock, limits: HubLimits): OperationsLog {
  const table = store.collection<OperationEntry>("operations");
  const earlier = [...table.values()];
  return createOperationsLog(clock, limits.operationsMax, earlier, (entry) => {
    table.put(String(entry.sequenceNumber), entry);
    table.delete(String(entry.sequenceNumber - limits.operationsMax));
  });
}

function openPolicies(store: Store, options: HubOptions): readonly Policy[] {
  const table = store.collection<Policy>("policies");
  if (options.policies !== undefined) return options.policies;
  if (table.size === 0) {
    for (const policy of makeBuiltInPolicies()) table.put(policy.keyName, policy);
  }
  const owner = table.get(OWNER_POLICY);
  if (options.ownerKey !== undefined && owner !== undefined) {
    table.put(OWNER_POLICY, { ...owner, primaryKey: options.ownerKey });
  }
  store.flush();
  return [...table.values()];
}

function openCreated(store: Store, clock: Clock): number {
  const table = store.collection<number>("created");
  const createdMs = table.get("hub") ?? clock.now();
  if (!table.has("hub")) table.put("hub", createdMs);
  return createdMs;
}

function asRef({ deviceId }: { readonly deviceId: string }) {
  return { deviceId, moduleId: null };
}

function bodyBytes(base64: string): number {
  return Buffer.byteLength(base64, "base64");
}

import { createAuthenticator } from "./authenticate.ts";
import { makeServerCertificate } from "./certificates.ts";
import { SYSTEM_CLOCK } from "./clock.ts";
import { createRegistry } from "./identity.ts";
import { openListener, plainAddress } from "./listener.ts";
import { createBroker } from "./mqtt/broker.ts";
import { createLiveDevices } from "./mqtt/devices.ts";
import { createOperationsLog, type OperationListener } from "./operations.ts";
import { DEFAULT_LIMITS, type HubOptions } from "./options.ts";
import { makeBuiltInPolicies } from "./policies.ts";
import { openStore } from "./store.ts";
import { createTelemetry, type TelemetryListener, type TelemetryMessage } from "./telemetry.ts";

export type { OperationEntry, OperationListener } from "./operations.ts";
export type { HubOptions } from "./options.ts";
export type { TelemetryListener, TelemetryMessage } from "./telemetry.ts";

/** Symmetric keys of an identity, base64. */
export interface IdentityKeys {
  readonly primaryKey: string;
  readonly secondaryKey: string;
}

/** A running hub. */
export interface Hub {
  readonly host: string;
  readonly hostName: string;
  /** MQTT over TLS. */
  readonly mqttPort: number;
  /** What clients must trust, PEM. */
  readonly caPem: string;
  /** @throws HubError when the id is not allowed or taken */
  createDevice(deviceId: string): IdentityKeys;
  /** @throws HubError when the id is not allowed or taken, or the device is not registered */
  createModule(deviceId: string, moduleId: string): IdentityKeys;
  /** Calls back for each message from now on, before it is acknowledged. Returns what ends it. */
  onTelemetry(listener: TelemetryListener): () => void;
  onOperation(listener: OperationListener): () => void;
  /** Closes every connection and port; resolves within two seconds. */
  close(): Promise<void>;
}

const SWEEP_MS = 500;
const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** Starts a hub. @throws Error of one line when a port is in use */
export async function createHub(options: HubOptions = {}): Promise<Hub> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const clock = options.clock ?? SYSTEM_CLOCK;
  const host = options.host ?? "127.0.0.1";
  const hostName = options.hostName ?? "localhost";
  const log = options.log ?? (() => {});
  const hostNames = [...new Set([hostName, ...LOOPBACK_NAMES])];
  const certificate = await makeServerCertificate(
    [hostName, "localhost", "127.0.0.1", "::1", host],
    clock.now(),
  );
  const store = openStore(null, log);
  const operations = createOperationsLog(clock, limits.operationsMax);
  const registry = createRegistry({ store, clock, modulesMax: limits.modulesMax });
  const policies = makeBuiltInPolicies(options.ownerKey);
  const authenticate = createAuthenticator({
    registry,
    policies: () => policies,
    hostNames,
    clock,
    checkCertificate: () => "client certificates are not accepted",
  });
  let offset = 0;
  const telemetry = createTelemetry({
    clock,
    sink: {
      append: (message) => {
        offset += 1;
        return { ...message, sequenceNumber: offset, offset } satisfies TelemetryMessage;
      },
      committed: () => undefined,
    },
    partitions: 1,
    bytesMax: limits.telemetryBytesMax,
    accepted: () => {},
  });
  const devices = createLiveDevices({
    authenticate,
    clock,
    limits,
    operations,
    telemetry,
    services: [],
  });
  const broker = await createBroker({
    admit: devices.admit,
    store,
    limits,
    violated: () => {},
  });
  const mqtt = await openListener({
    host,
    port: options.mqttPort ?? 0,
    what: "MQTT",
    certificate,
    limits,
    allows: () => true,
    accept: (stream, admitted) =>
      broker.handle(stream, {
        remoteAddress: plainAddress(stream.remoteAddress),
        transport: "Mqtt",
        admitted,
      }),
  }).catch(async (error) => {
    await broker.close();
    throw error;
  });
  const sweep = setInterval(devices.closeExpired, SWEEP_MS);

  const create = (deviceId: string, moduleId: string | null): IdentityKeys => {
    const { authentication } = registry.create({ deviceId, moduleId }, {});
    store.flush();
    return authentication.symmetricKey ?? { primaryKey: "", secondaryKey: "" };
  };
  return {
    host,
    hostName,
    mqttPort: mqtt.port,
    caPem: certificate.caPem,
    createDevice: (deviceId) => create(deviceId, null),
    createModule: create,
    onTelemetry: telemetry.onMessage,
    onOperation: operations.onEntry,
    close: async () => {
      clearInterval(sweep);
      await broker.close();
      await mqtt.close();
      store.close();
    },
  };
}

/** Hands a hub's streams to detection: telemetry, operations, security groups, facts. */
import { createHash } from "node:crypto";
import type { HubFacts } from "../detect/recommendations.ts";
import type { DetectionService } from "../detect/service.ts";
import type { Hub } from "../hub/hub.ts";

const SECURITY_MODULE = "azureiotsecurity";
/** Device twin tag that names the security group (documented). */
const GROUP_TAG = "SecurityGroup";
/** Devices whose last address is remembered. */
const CONNECTIONS_MAX = 10_000;

export interface HubLink {
  facts(): HubFacts;
  close(): void;
}

/** From now on what the hub sees reaches detection; messages are acknowledged once stored. */
export function linkHub(
  hub: Hub,
  service: DetectionService,
  onFault: (line: string) => void,
): HubLink {
  const { core } = hub;
  const addresses = new Map<string, string>();
  const fault = (error: Error) => onFault(error.message);
  const setGroup = (deviceId: string) => {
    const tag = core.twins.get({ deviceId, moduleId: null }).tags[GROUP_TAG];
    service.setGroup(deviceId, typeof tag === "string" ? tag : null).catch(fault);
  };
  for (const { deviceId } of core.registry.devices()) setGroup(deviceId);
  core.twins.onChange(({ ref, section }) => {
    if (section === "tags" && ref.moduleId === null) setGroup(ref.deviceId);
  });
  const ends = [
    hub.onTelemetry((message) => service.ingest(message)),
    hub.onOperation((entry) => {
      service.operation(entry).catch(fault);
      if (entry.operationName !== "deviceConnect" || !entry.deviceId || !entry.callerAddress)
        return;
      if (addresses.size < CONNECTIONS_MAX) addresses.set(entry.deviceId, entry.callerAddress);
    }),
  ];
  return {
    facts: () => ({ ...factsOf(hub), connections: connectionsOf(addresses) }),
    close() {
      for (const end of ends) end();
    },
  };
}

const connectionsOf = (addresses: ReadonlyMap<string, string>) =>
  [...addresses].map(([deviceId, address]) => ({
    deviceId,
    address: address.replace(/^::ffff:/, ""),
  }));

function factsOf({ core, hostName }: Hub): Omit<HubFacts, "connections"> {
  const credentials: { deviceId: string; fingerprint: string }[] = [];
  for (const identities of [core.registry.devices(), core.registry.modules()]) {
    for (const { deviceId, authentication } of identities) {
      const { symmetricKey, x509Thumbprint } = authentication;
      const secrets = [
        symmetricKey?.primaryKey,
        symmetricKey?.secondaryKey,
        x509Thumbprint?.primaryThumbprint,
        x509Thumbprint?.secondaryThumbprint,
      ];
      for (const secret of new Set(secrets)) {
        if (!secret) continue;
        const fingerprint = createHash("sha256").update(secret).digest("hex");
        credentials.push({ deviceId, fingerprint });
      }
    }
  }
  const moduleTwins = [...core.registry.modules()]
    .filter(({ moduleId }) => moduleId === SECURITY_MODULE)
    .map((ref) => {
      const tag = core.twins.get({ deviceId: ref.deviceId, moduleId: null }).tags[GROUP_TAG];
      const group = typeof tag === "string" ? tag : "";
      return { deviceId: ref.deviceId, group, desired: core.twins.get(ref).desired.values };
    });
  return {
    hubName: hostName,
    credentials,
    ipFilter: core.admin.ipFilter(),
    operationsLogKept: core.admin.settings().length > 0,
    moduleTwins,
    tls: null,
  };
}

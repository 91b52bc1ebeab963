import type { HubCore } from "../core.ts";
import { refuse } from "../errors.ts";
import type {
  AuthenticationInput,
  AuthenticationType,
  Identity,
  IdentityInput,
} from "../identity.ts";
import { identityKey } from "../ids.ts";
import type { Twin, TwinSection } from "../twin/twins.ts";

const NEVER = "0001-01-01T00:00:00Z";
const TYPES: readonly AuthenticationType[] = ["sas", "selfSigned", "certificateAuthority", "none"];

function timeText(ms: number | null): string {
  return ms === null ? NEVER : new Date(ms).toISOString();
}

/** A device or module in the shape of the REST API, 2021-04-12. */
export function identityView(core: HubCore, identity: Identity) {
  const key = identityKey(identity);
  const { authentication } = identity;
  const common = {
    generationId: identity.generationId,
    etag: identity.etag,
    connectionState: core.devices.get(key) === undefined ? "Disconnected" : "Connected",
    connectionStateUpdatedTime: timeText(core.devices.connectionChangedMs(key)),
    lastActivityTime: timeText(core.devices.lastActivityMs(key)),
    cloudToDeviceMessageCount:
      identity.moduleId === null ? core.queues.count(identity.deviceId) : 0,
    authentication: {
      symmetricKey: authentication.symmetricKey ?? { primaryKey: null, secondaryKey: null },
      x509Thumbprint: authentication.x509Thumbprint ?? {
        primaryThumbprint: null,
        secondaryThumbprint: null,
      },
      type: authentication.type,
    },
  };
  if (identity.moduleId !== null) {
    return {
      moduleId: identity.moduleId,
      managedBy: identity.managedBy,
      deviceId: identity.deviceId,
      ...common,
    };
  }
  return {
    deviceId: identity.deviceId,
    ...common,
    status: identity.status,
    statusReason: identity.statusReason,
    statusUpdatedTime: timeText(identity.statusUpdatedMs),
    capabilities: { iotEdge: identity.iotEdge },
  };
}

/** A twin in the shape of the REST API; queries run over the same. */
export function twinView(core: HubCore, identity: Identity, twin: Twin) {
  const key = identityKey(identity);
  const thumbprints = identity.authentication.x509Thumbprint;
  return {
    deviceId: identity.deviceId,
    ...(identity.moduleId === null ? {} : { moduleId: identity.moduleId }),
    etag: twin.etag,
    deviceEtag: identity.etag,
    status: identity.status,
    statusUpdateTime: timeText(identity.statusUpdatedMs),
    connectionState: core.devices.get(key) === undefined ? "Disconnected" : "Connected",
    lastActivityTime: timeText(core.devices.lastActivityMs(key)),
    cloudToDeviceMessageCount:
      identity.moduleId === null ? core.queues.count(identity.deviceId) : 0,
    authenticationType: identity.authentication.type,
    x509Thumbprint: thumbprints ?? { primaryThumbprint: null, secondaryThumbprint: null },
    modelId: core.devices.get(key)?.modelId ?? "",
    version: twin.version,
    tags: twin.tags,
    properties: { desired: sectionView(twin.desired), reported: sectionView(twin.reported) },
    ...(identity.moduleId === null ? { capabilities: { iotEdge: identity.iotEdge } } : {}),
  };
}

function sectionView(section: TwinSection): object {
  return Object.assign(Object.create(null), section.values, {
    $metadata: section.metadata,
    $version: section.version,
  });
}

/** Reads what a client may set of a device or module. @throws HubError 400 */
export function identityInput(body: Readonly<Record<string, unknown>>): IdentityInput {
  const { status, statusReason, capabilities, managedBy } = body;
  if (status !== undefined && status !== null && status !== "enabled" && status !== "disabled") {
    throw refuse.argument("status must be enabled or disabled");
  }
  const authentication = authenticationInput(body.authentication);
  const iotEdge = (capabilities as { iotEdge?: unknown } | null | undefined)?.iotEdge;
  return {
    ...(status ? { status } : {}),
    ...(typeof statusReason === "string" ? { statusReason: statusReason.slice(0, 128) } : {}),
    ...(typeof managedBy === "string" ? { managedBy: managedBy.slice(0, 128) } : {}),
    ...(typeof iotEdge === "boolean" ? { iotEdge } : {}),
    ...(authentication === undefined ? {} : { authentication }),
  };
}

function authenticationInput(value: unknown): AuthenticationInput | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object") throw refuse.argument("authentication must be an object");
  const { type, symmetricKey, x509Thumbprint } = value as Record<string, unknown>;
  const keys = (symmetricKey ?? {}) as Record<string, unknown>;
  const prints = (x509Thumbprint ?? {}) as Record<string, unknown>;
  const hasPrint = Boolean(prints.primaryThumbprint ?? prints.secondaryThumbprint);
  const known = type ?? (hasPrint ? "selfSigned" : undefined);
  if (known !== undefined && !TYPES.includes(known as AuthenticationType)) {
    throw refuse.argument(`authentication.type must be of ${TYPES.join(", ")}`);
  }
  return {
    ...(known === undefined ? {} : { type: known as AuthenticationType }),
    ...optionalText("primaryKey", keys.primaryKey),
    ...optionalText("secondaryKey", keys.secondaryKey),
    ...optionalText("primaryThumbprint", prints.primaryThumbprint),
    ...optionalText("secondaryThumbprint", prints.secondaryThumbprint),
  };
}

function optionalText(name: string, value: unknown): Record<string, string | null> {
  if (value === undefined) return {};
  if (value !== null && typeof value !== "string") throw refuse.argument(`${name} must be a text`);
  return { [name]: value };
}

import type { FastifyInstance } from "fastify";
import type { HubCore } from "../core.ts";
import type { Authorized } from "./auth.ts";

/** Counts of devices: registered, enabled, connected. */
export function registerStatistics(app: FastifyInstance, core: HubCore, auth: Authorized): void {
  const { registry } = core;
  const read = auth("RegistryRead");
  app.get("/statistics/devices", read, async () => {
    const devices = [...registry.devices()];
    const enabled = devices.filter((device) => device.status === "enabled").length;
    return {
      totalDeviceCount: devices.length,
      enabledDeviceCount: enabled,
      disabledDeviceCount: devices.length - enabled,
    };
  });
  app.get("/statistics/service", read, async () => {
    let connectedDeviceCount = 0;
    for (const session of core.devices.sessions()) {
      if (session.moduleId === null) connectedDeviceCount += 1;
    }
    return { connectedDeviceCount };
  });
}

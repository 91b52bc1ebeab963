/** Settings of the security module that contradict each other or waste messages. */
import { durationMs } from "./groups.ts";

/** Desired object of the documented agent in the module twin. */
export const AGENT_CONFIGURATION = "ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration";

/** Defaults of what is left out (documented). */
const DEFAULTS: Readonly<Record<string, string | number>> = {
  highPriorityMessageFrequency: "PT7M",
  lowPriorityMessageFrequency: "PT5H",
  snapshotFrequency: "PT13H",
  maxLocalCacheSizeInBytes: 2_560_000,
  maxMessageSizeInBytes: 204_800,
};

export interface TwinCheck {
  readonly conflicts: readonly string[];
  readonly notOptimal: readonly string[];
}

/** @param desired of the module twin; one without our object has the defaults, which are fine */
export function checkTwin(desired: Readonly<Record<string, unknown>>): TwinCheck {
  const own = desired[AGENT_CONFIGURATION];
  if (own === null || typeof own !== "object") return { conflicts: [], notOptimal: [] };
  const settings = own as Record<string, unknown>;
  const time = (name: string) => durationMs(String(settingOf(settings, name))) ?? Number.NaN;
  const size = (name: string) => Number(settingOf(settings, name));
  const high = time("highPriorityMessageFrequency");
  const low = time("lowPriorityMessageFrequency");
  const conflicts: string[] = [];
  const notOptimal: string[] = [];
  if (high > low)
    conflicts.push("highPriorityMessageFrequency is longer than lowPriorityMessageFrequency");
  if (time("snapshotFrequency") < high) {
    conflicts.push(
      "snapshotFrequency is shorter than highPriorityMessageFrequency: snapshots wait",
    );
  }
  if (size("maxMessageSizeInBytes") > size("maxLocalCacheSizeInBytes")) {
    conflicts.push("maxMessageSizeInBytes is above maxLocalCacheSizeInBytes: no message fills up");
  }
  if (high < 60_000)
    notOptimal.push("highPriorityMessageFrequency below a minute: many small messages");
  for (const name of ["ProcessCreate", "ProcessTerminate", "ConnectionCreate"]) {
    const isOff = settingOf(settings, `eventPriority${name}`) === "Off";
    if (!isOff && settingOf(settings, `aggregationEnabled${name}`) === false) {
      notOptimal.push(`aggregationEnabled${name} is off: every repeat is an event of its own`);
    }
  }
  return { conflicts, notOptimal };
}

/** Settings are `{value: ...}`. */
function settingOf(settings: Readonly<Record<string, unknown>>, name: string): unknown {
  const given = settings[name];
  const isWrapped = given !== null && typeof given === "object" && "value" in given;
  return isWrapped ? (given as { value: unknown }).value : DEFAULTS[name];
}

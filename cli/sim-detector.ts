/** Hands detection to the simulator. */
import { createDetection } from "../detect/detection.ts";
import { GroupError, parseGroup } from "../detect/groups.ts";
import { lookupOf } from "../detect/intel.ts";
import { createProcessor } from "../detect/processor.ts";
import { durationMs } from "../sim/duration.ts";
import type { Detector } from "../sim/result.ts";
import type { DetectionEntry } from "../sim/scenario.ts";
import { UserError } from "./errors.ts";

/** @throws UserError for groups that are not valid */
export function createDetector(entry: DetectionEntry = {}, file = "the scenario"): Detector {
  const groups = Object.entries(entry.groups ?? {}).map(([name, body]) => {
    try {
      return parseGroup(name, body);
    } catch (error) {
      if (error instanceof GroupError) throw new UserError(`${file}: ${error.message}`);
      throw error;
    }
  });
  const indicators = (entry.suspicious ?? []).map((value) => ({
    kind: "address" as const,
    value,
    untilMs: null,
  }));
  const processor = createProcessor(
    createDetection({
      groups,
      ...(indicators.length > 0 ? { intel: lookupOf("scenario", indicators) } : {}),
      ...(entry.warmUp === undefined ? {} : { warmUpMs: durationMs(entry.warmUp) }),
    }),
  );
  return {
    message: (message) => processor.take(message).alerts,
    operation: (operation) => processor.operation(operation),
    tick: (nowMs) => processor.tick(nowMs),
    setGroup: (deviceId, group) => void processor.setGroup(deviceId, group, 0),
  };
}

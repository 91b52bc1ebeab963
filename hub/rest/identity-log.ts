import type { HubCore } from "../core.ts";
import { HubError } from "../errors.ts";
import type { IdentityRef } from "../ids.ts";

/** Runs a change of an identity and logs it, or the refusal. */
export type Recorded = <T>(operationName: string, ref: IdentityRef, action: () => T) => T;

export function recordTo({ operations }: HubCore): Recorded {
  return (operationName, ref, action) => {
    const entry = {
      category: "DeviceIdentityOperations",
      operationName,
      deviceId: ref.deviceId,
      moduleId: ref.moduleId,
      protocol: "Http",
    } as const;
    try {
      const result = action();
      operations.record(entry);
      return result;
    } catch (error) {
      if (error instanceof HubError) {
        const { code: statusCode, message: reason } = error;
        operations.record({ ...entry, result: "Failure", statusCode, reason });
      }
      throw error;
    }
  };
}

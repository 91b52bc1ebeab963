/** What the reducer takes: security events, the hub's operations, and the passing of time. */
import type { SecurityEvent } from "../wire/events.ts";

/**
 * One line of the hub's operations log; a subset of the hub's own entry, which fits as it is.
 *
 * `operationName` is lowerCamelCase (`authenticationFailed`, `c2dSend`); `category` is one of the
 * diagnostic categories (`Connections`, `C2DCommands`, ...).
 */
export interface OperationEntry {
  readonly timeMs: number;
  readonly category: string;
  readonly operationName: string;
  readonly result: "Success" | "Failure";
  /** null when the operation concerns the hub and no device. */
  readonly deviceId: string | null;
  readonly moduleId: string | null;
  readonly statusCode: number | null;
  readonly reason: string | null;
  readonly protocol: string;
  readonly callerAddress?: string | null;
  readonly properties: Readonly<Record<string, string | number | boolean | null>>;
}

/** One step of a device's reducer. Times are ms since the epoch. */
export type DetectionInput =
  | {
      readonly kind: "event";
      readonly event: SecurityEvent;
      /** When the hub took the message; orders devices without a clock, and tells silence. */
      readonly arrivedMs: number;
    }
  | {
      /** A whole message, before its events. */
      readonly kind: "message";
      readonly arrivedMs: number;
      readonly bytes: number;
      readonly agentVersion: string;
    }
  | { readonly kind: "operation"; readonly entry: OperationEntry }
  /** The hub's clock has come to `nowMs`. */
  | { readonly kind: "tick"; readonly nowMs: number }
  /** The twin tag `SecurityGroup` has changed. */
  | { readonly kind: "group"; readonly group: string; readonly nowMs: number }
  /** A user put the alert aside: its repeats are counted and not shown. */
  | { readonly kind: "dismiss"; readonly alertId: string; readonly nowMs: number };

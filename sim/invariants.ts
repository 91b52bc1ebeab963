/** What must hold in every run, whatever the scenario and its faults. */
import { BLOCKING, type FaultPlan } from "./fault-plan.ts";
import type { Member } from "./member.ts";
import type { Check } from "./result.ts";
import type { Simulation } from "./simulation.ts";

/** From the end of a fault to the next acknowledgement at most, ms. */
export const RECOVERY_MS_MAX = 10 * 60_000;

/** Looks after each blocking fault whether the boards come back; call before the run. */
export function watchRecovery({ scheduler, plan, members, durationMs }: Simulation): void {
  for (const { entry, untilMs } of plan.faults) {
    if (!BLOCKING.has(entry.kind)) continue;
    for (const member of members) {
      if (entry.board !== undefined && entry.board !== member.device.board) continue;
      scheduler.at(untilMs, () => {
        if (member.ledger.counts.failedMs > member.ledger.counts.acknowledgedMs) {
          follow(member, untilMs, durationMs);
        }
      });
    }
  }

  function follow(member: Member, sinceMs: number, endMs: number): void {
    const step = (): void => {
      const { nowMs } = scheduler;
      const { acknowledgedMs, restarts } = member.ledger.counts;
      if (acknowledgedMs >= sinceMs) {
        member.recoveryMs = Math.max(member.recoveryMs, acknowledgedMs - sinceMs);
        return;
      }
      if (restarts > restartsBefore || isBlocked(plan, member, sinceMs, nowMs)) return;
      if (nowMs - sinceMs >= RECOVERY_MS_MAX) {
        member.failures.push(
          `no message was acknowledged for ${RECOVERY_MS_MAX / 1000} s after a fault ended`,
        );
        return;
      }
      if (nowMs < endMs + RECOVERY_MS_MAX) scheduler.at(nowMs + 1000, step);
    };
    const restartsBefore = member.ledger.counts.restarts;
    step();
  }
}

/** Another fault has acted since. */
function isBlocked(plan: FaultPlan, member: Member, sinceMs: number, nowMs: number): boolean {
  const { board } = member.device;
  return plan.faults.some(
    ({ entry, fromMs, untilMs }) =>
      BLOCKING.has(entry.kind) &&
      (entry.board ?? board) === board &&
      fromMs <= nowMs &&
      untilMs > sinceMs,
  );
}

/** The checks after a run; a check is met when no board breaks it. */
export function checkInvariants({ members }: Simulation): Check[] {
  const checks: Check[] = [];

  function check(name: string, faultsOf: (member: Member) => readonly string[]): void {
    const found = members.flatMap((member) =>
      faultsOf(member).map((what) => `${member.device.deviceId}: ${what}`),
    );
    checks.push({ name, isMet: found.length === 0, found: found.slice(0, 5).join("; ") || "yes" });
  }

  check(
    "always: messages decode, keep their limit, and are not sent again",
    ({ ledger }) => ledger.violations,
  );
  check("always: the core runs, and comes back after faults", ({ failures }) => failures);
  check("always: events collected = delivered + stored + counted as dropped", ({ ledger }) => {
    const missing = ledger.missing();
    return missing === 0 ? [] : [`${missing} events are missing`];
  });
  check("always: packets offered = reported + counted as lost", packetsLost);
  return checks;
}

/** Causes that count packets. */
const PACKET_CAUSES = [
  "ringFull",
  "malformed",
  "headTooShort",
  "flowTableFullIpv4",
  "flowTableFullIpv6",
  "notUnicast",
];

/** Only where nothing else may be missing: no restart, no event dropped. */
function packetsLost({ device, ledger }: Member): string[] {
  const losses = ledger.losses();
  if (ledger.counts.restarts > 0 || (losses.storeFull ?? 0) > 0 || ledger.missing() > 0) return [];
  if (device.inFlight > 0 || device.isUnsent) return [];
  const { seen, notIp, malformed, broadcastOrMulticast, otherHost } = device.netx.packets;
  const offered = seen - notIp - malformed - broadcastOrMulticast - otherHost;
  const lost = PACKET_CAUSES.reduce((sum, cause) => sum + (losses[cause] ?? 0), 0);
  const reported = ledger.counts.flowPackets;
  if (offered === reported + lost) return [];
  return [`${offered} packets were offered, ${reported} reported, ${lost} counted as lost`];
}

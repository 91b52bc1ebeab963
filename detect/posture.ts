/** What a device's events say about how it is set up, kept in its state for recommendations. */
import type { FirewallConfiguration, NetworkActivity, SecurityEvent } from "../wire/events.ts";
import type { DeviceState } from "./state.ts";
import { grown } from "./state.ts";

/** Entries of each list; a device that reports more has said enough. */
const LIST_MAX = 32;
const DAY_MS = 86_400_000;
/** The unit in which hubs bill messages, bytes. */
export const BILLED_UNIT_BYTES = 4096;

export interface Posture {
  /** "tcp 0.0.0.0:23", of the latest report. */
  listening?: string[];
  listeningMs?: number;
  /** Ports at which the device has answered connections, seen in its flows. */
  answered?: string[];
  /** Firewall rules that let too much through, of the latest report. */
  policies?: string[];
  wideIn?: string[];
  wideOut?: string[];
  firewallMs?: number;
  /** Checks that failed, "id: description"; one that passes later goes. */
  failedChecks?: string[];
  /** Settings that the agent called not optimal or in conflict, "name: message". */
  notOptimal?: string[];
  conflicts?: string[];
}

/** Messages of the running day and of the last whole one. */
export interface MessageSizes {
  day: number;
  total: number;
  small: number;
  lastTotal: number;
  lastSmall: number;
}

export function postureOf(state: DeviceState): Posture {
  state.memory.posture ??= {};
  return state.memory.posture as Posture;
}

/** Counts a message by its size. */
export function countMessage(state: DeviceState, bytes: number, arrivedMs: number): void {
  const day = Math.floor(arrivedMs / DAY_MS);
  state.memory.sizes ??= { day, total: 0, small: 0, lastTotal: 0, lastSmall: 0 };
  const sizes = state.memory.sizes as MessageSizes;
  if (day > sizes.day) {
    sizes.lastTotal = sizes.total;
    sizes.lastSmall = sizes.small;
    sizes.total = 0;
    sizes.small = 0;
    sizes.day = day;
  }
  sizes.total += 1;
  if (bytes < BILLED_UNIT_BYTES) sizes.small += 1;
}

/** Takes what an event says; events of other kinds say nothing here. */
export function notePosture(state: DeviceState, event: SecurityEvent, timeMs: number): void {
  switch (event.name) {
    case "ListeningPorts":
      noteListening(postureOf(state), event.payload, timeMs);
      return;
    case "NetworkActivity":
      noteAnswered(state, event.payload);
      return;
    case "FirewallConfiguration":
      noteFirewall(postureOf(state), event.payload, timeMs);
      return;
    case "OSBaseline":
      for (const check of event.payload) {
        const posture = postureOf(state);
        const others = (posture.failedChecks ?? []).filter(
          (text) => !text.startsWith(`${check.cceId}:`),
        );
        const text = `${check.cceId}: ${check.description.slice(0, 120)}`;
        posture.failedChecks = check.result === "Fail" ? add(others, text) : others;
      }
      return;
    case "ConfigurationError":
      for (const { errorType, configurationName, message } of event.payload) {
        const posture = postureOf(state);
        const text = `${configurationName.slice(0, 64)}: ${message.slice(0, 120)}`;
        if (errorType === "NotOptimal") posture.notOptimal = add(posture.notOptimal ?? [], text);
        if (errorType === "Conflict") posture.conflicts = add(posture.conflicts ?? [], text);
      }
      return;
    default:
      return;
  }
}

/** Many flows of one report have the same local end: told apart before a text is made. */
function noteAnswered(state: DeviceState, flows: readonly NetworkActivity[]): void {
  let address = "";
  let port = -1;
  for (const { answered, localAddress, localPort } of flows) {
    if (!answered || (localPort === port && localAddress === address)) continue;
    address = localAddress;
    port = localPort;
    const posture = postureOf(state);
    const list = posture.answered ?? [];
    if (list.length >= LIST_MAX) return;
    posture.answered = add(list, `tcp ${address}:${port}`);
  }
}

function add(list: string[], text: string): string[] {
  return list.length >= LIST_MAX || list.includes(text) ? list : grown(list, text);
}

type Listening = Extract<SecurityEvent, { name: "ListeningPorts" }>["payload"];

function noteListening(posture: Posture, payload: Listening, timeMs: number): void {
  // Several events of one time are one report.
  let list = posture.listeningMs === timeMs ? (posture.listening ?? []) : [];
  for (const { protocol, localAddress, localPort } of payload) {
    const name = protocol === 17 ? "udp" : "tcp";
    if (!/^127\.|^::1$/.test(localAddress))
      list = add(list, `${name} ${localAddress}:${localPort}`);
  }
  posture.listening = list;
  posture.listeningMs = timeMs;
}

const isAny = (address: string | undefined) =>
  address === undefined || ["", "*", "any", "0.0.0.0/0", "::/0", "0.0.0.0", "::"].includes(address);
const isAnyPort = (port: string | undefined) =>
  port === undefined || ["", "*", "any", "0-65535", "1-65535"].includes(port);

function noteFirewall(
  posture: Posture,
  payload: readonly FirewallConfiguration[],
  timeMs: number,
): void {
  if (posture.firewallMs !== timeMs) {
    posture.policies = [];
    posture.wideIn = [];
    posture.wideOut = [];
  }
  posture.firewallMs = timeMs;
  for (const rule of payload) {
    if (!rule.enabled || rule.action !== "Allow") continue;
    const far = rule.direction === "Out" ? rule.destinationAddress : rule.sourceAddress;
    if (!isAny(far)) continue;
    const text = `${rule.chainName ?? rule.direction ?? "chain"} priority ${rule.priority ?? "-"}`;
    if (
      isAnyPort(rule.destinationPort) &&
      isAny(rule.sourceAddress) &&
      isAny(rule.destinationAddress)
    ) {
      posture.policies = add(posture.policies ?? [], text);
    } else if (isAnyPort(rule.destinationPort)) {
      if (rule.direction === "Out") posture.wideOut = add(posture.wideOut ?? [], text);
      else posture.wideIn = add(posture.wideIn ?? [], text);
    }
  }
}

/** Sign-ins at the device: brute force that failed or succeeded, failed logins, users allowed. */
import type { Login } from "../wire/events.ts";
import { checkName, measure } from "./event-rules.ts";
import { raise, type Turn } from "./turn.ts";

/** So many failures from one source within the window are brute force. */
export const BRUTE_FORCE_FAILURES = 5;
export const BRUTE_FORCE_WINDOW_MS = 10 * 60_000;
const SOURCES_MAX = 8;

interface Source {
  /** Remote address, or "local" with the user's name. */
  key: string;
  failures: number;
  firstMs: number;
  lastMs: number;
}

export function checkLogin(turn: Turn, login: Login): void {
  const failed = login.result === "Fail";
  if (failed) measure(turn, "failedLogins", 1, 1, 0);
  const user = login.userName ?? login.userId ?? "";
  if (!failed && user !== "" && !/logout/i.test(login.operation)) {
    checkName(turn, "LocalUserNotAllowed", user);
  }
  if (/logout/i.test(login.operation)) return;
  if (failed) failedLogin(turn, user, login);
  else succeeded(turn, user, login);
}

function failedLogin(turn: Turn, user: string, login: Login): void {
  const source = sourceOf(turn, sourceKey(user, login));
  source.failures += 1;
  source.lastMs = turn.timeMs;
  if (!login.remoteAddress) {
    raise(turn, {
      type: "IoT_FailedLocalLogin",
      rule: "FailedLocalLogin",
      cause: user.slice(0, 128),
      value: user.slice(0, 128),
      range: { expected: "no failed sign-in at the device" },
      explanation: `sign-in of "${user.slice(0, 128)}" failed`,
    });
  }
  if (source.failures < BRUTE_FORCE_FAILURES) return;
  raise(turn, {
    type: "Picket_FailedBruteForce",
    rule: "FailedBruteForce",
    cause: source.key,
    value: source.failures,
    range: { min: 0, max: BRUTE_FORCE_FAILURES - 1, windowMs: BRUTE_FORCE_WINDOW_MS },
    explanation: `${source.failures} sign-ins from ${source.key} failed within 10 minutes`,
  });
}

function succeeded(turn: Turn, user: string, login: Login): void {
  const sources = remembered(turn);
  const key = sourceKey(user, login);
  const index = sources.findIndex((source) => source.key === key);
  const source = sources[index];
  if (!source) return;
  sources.splice(index, 1);
  if (source.failures < BRUTE_FORCE_FAILURES || expired(source, turn.timeMs)) return;
  raise(turn, {
    type: "Picket_SuccessfulBruteForce",
    rule: "SuccessfulBruteForce",
    cause: key,
    value: source.failures,
    range: { min: 0, max: BRUTE_FORCE_FAILURES - 1, windowMs: BRUTE_FORCE_WINDOW_MS },
    explanation: `sign-in of "${user.slice(0, 128)}" from ${key} succeeded after ${source.failures} failures`,
  });
}

function sourceKey(user: string, login: Login): string {
  return login.remoteAddress || `local:${user.slice(0, 64)}`;
}

function remembered(turn: Turn): Source[] {
  turn.state.memory.logins ??= [];
  return turn.state.memory.logins as Source[];
}

function sourceOf(turn: Turn, key: string): Source {
  const sources = remembered(turn);
  const { timeMs } = turn;
  let source = sources.find((candidate) => candidate.key === key);
  if (source && expired(source, timeMs)) {
    source.failures = 0;
    source.firstMs = timeMs;
  }
  if (!source) {
    source = { key, failures: 0, firstMs: timeMs, lastMs: timeMs };
    if (sources.length >= SOURCES_MAX) {
      sources.sort((a, b) => a.lastMs - b.lastMs);
      sources.shift();
    }
    sources.push(source);
  }
  return source;
}

const expired = (source: Source, timeMs: number) => timeMs - source.lastMs > BRUTE_FORCE_WINDOW_MS;

/** Why a rule has not fired on a device: its last values, and how far they are from firing. */
import { BASELINE_METRICS, type Baseline } from "./baseline.ts";
import { bucketsOf, rangeOf } from "./baseline-model.ts";
import {
  BEHAVIOURS,
  type BehaviourName,
  type BehaviourSettings,
  subjectName,
  tracksOf,
} from "./behaviours.ts";
import { durationText } from "./groups.ts";
import { compileSettings, type DetectionOptions } from "./settings.ts";
import type { DeviceState } from "./state.ts";
import type { WindowSpec } from "./windows.ts";

/** Lines for people. @param rule rule type, behaviour, `baseline.METRIC` or custom rule's name */
export function whyNot(state: DeviceState, options: DetectionOptions, rule: string): string[] {
  const open = state.open.filter((alert) => alert.rule === rule);
  const lines = open.map(
    (alert) => `it has fired: ${alert.explanation} (${alert.count} times, ${alert.state})`,
  );
  const settings = compileSettings(options);
  const group = settings.groupOf(state.group);
  const spec = group.windows.find(({ key }) => key === rule);
  if (spec) return [...lines, ...windowLines(state, spec)];
  if (Object.hasOwn(BEHAVIOURS, rule)) {
    const paces = (Object.keys(BEHAVIOURS) as BehaviourName[]).filter(
      (name) => name === rule || settings.behaviours[name].of === rule,
    );
    return [...lines, ...paces.flatMap((name) => behaviourLines(state, settings.behaviours, name))];
  }
  if (rule.startsWith("baseline."))
    return [...lines, ...baselineLines(state, rule, settings.warmUpMs)];
  const custom = options.rules?.find(({ name }) => name === rule);
  if (custom) return [...lines, customLine(state.group, custom.groups, custom.enabled)];
  if (lines.length > 0) return lines;
  return [
    `rule ${rule} is not active for group ${state.group}: it is disabled, unknown, ` +
      "or looks at single events and has seen none that matches",
  ];
}

function windowLines(state: DeviceState, spec: WindowSpec): string[] {
  const range = `${spec.min} to ${spec.max} in ${durationText(spec.sizeMs)}`;
  const window = state.windows[spec.key];
  if (!window) return [`nothing was reported for it yet; allowed are ${range}`];
  const value = Math.max(0, window.value, window.hubValue ?? 0);
  const at = new Date(window.start).toISOString();
  const lines = [
    `the window from ${at} holds ${value}; allowed are ${range}: ` +
      `${Math.max(0, spec.max - value + 1)} more would be too many`,
  ];
  if (spec.min > 0 && value < spec.min) {
    lines.push(`${spec.min - value} are missing to the minimum when the window ends`);
  }
  if (spec.toRaise > 1)
    lines.push(`${Math.max(0, window.run)} of ${spec.toRaise} windows in a row were out of range`);
  return lines;
}

function behaviourLines(
  state: DeviceState,
  settings: BehaviourSettings,
  name: BehaviourName,
): string[] {
  const { limit, windowMs, unit, enabled } = settings[name];
  if (!enabled) return ["it is switched off"];
  const tracks = tracksOf(state).filter(({ b }) => b === name);
  const head = `fires at ${limit} ${unit} within ${durationText(windowMs)}`;
  if (tracks.length === 0) return [`${head}; nothing is being counted now`];
  const most = [...tracks].sort((a, b) => b.n - a.n);
  return [
    head,
    ...most
      .slice(0, 5)
      .map(
        (track) => `${subjectName(track)}: ${track.n}, ${Math.max(0, limit - track.n)} short of it`,
      ),
  ];
}

function baselineLines(state: DeviceState, rule: string, warmUpMs: number): string[] {
  const metric = BASELINE_METRICS.findIndex(({ name }) => `baseline.${name}` === rule);
  const baseline = state.memory.baseline as Baseline | undefined;
  if (metric < 0) return [`there is no learned range called ${rule}`];
  if (!baseline) return ["nothing has been learned yet"];
  const { learned } = baseline;
  const taught = bucketsOf(learned, metric) * 300_000;
  if (taught < warmUpMs)
    return [`still learning: ${durationText(taught)} of ${durationText(warmUpMs)}`];
  const { expected, low, high } = rangeOf(learned, metric, null);
  const sum = metric === 1 ? baseline.seen.length : baseline.sums[metric];
  return [
    `usual are about ${expected} (${low} to ${high}) in five minutes; these five minutes: ${sum}; ` +
      "fires after two such times in a row out of range",
  ];
}

function customLine(
  group: string,
  groups: readonly string[] | undefined,
  enabled?: boolean,
): string {
  if (enabled === false) return "it is switched off";
  if (groups && !groups.includes(group)) {
    return `it is for ${groups.join(", ")}, the device is in group ${group}`;
  }
  return "no event matched its conditions";
}

/** The core's side of the module twin: limits, verdicts over time, reports. */
import { beforeAll, describe, expect, it } from "vitest";
import { E_BAD_RECORD, E_BUSY, OK } from "../assembly/abi.ts";
import { feedTwin, readReported, type TwinVerdict } from "../host/twin.ts";
import { evaluateTwin } from "../wire/twin-evaluate.ts";
import { TWIN_OBJECT, TWIN_PROPERTIES, TWIN_SETTINGS } from "../wire/twin-properties.ts";
import { buildTwinCore, startTwinCore, type TwinCore } from "./support/twin-core.ts";

const MEMORY_BYTES_MAX = 2600;
const [TYPE_MISMATCH, NOT_OPTIMAL, CONFLICT] = [0, 1, 2] as const;
const number = (name: string) => TWIN_PROPERTIES.findIndex((property) => property.name === name);

let wasm: Uint8Array;

beforeAll(async () => {
  wasm = await buildTwinCore({ MESSAGE_BYTES_MAX: 262_144, STORE_FLASH: 1 });
}, 60_000);

/** A document with these settings, given as values. */
function withSettings(settings: Readonly<Record<string, unknown>>, flat = {}): string {
  const wrapped = Object.entries(settings).map(([name, value]) => [name, { value }]);
  return JSON.stringify({ desired: { [TWIN_OBJECT]: Object.fromEntries(wrapped), ...flat } });
}

function feed(core: TwinCore, text: string, isPatch = false): TwinVerdict & { result: number } {
  const result = feedTwin(core, Buffer.from(text), { isPatch });
  const { reports } = core.take();
  expect(reports.length).toBe(1);
  return { ...readReported(reports[0] as Uint8Array), result };
}

/** The verdict of a fresh core, after the reference has given the same. */
function verdict(text: string): TwinVerdict & { result: number } {
  const found = feed(startTwinCore(wasm), text);
  const { valid, invalidFields } = evaluateTwin(Buffer.from(text));
  expect({ valid, invalidFields }).toEqual({
    valid: found.valid,
    invalidFields: found.invalidFields,
  });
  return found;
}

describe("twin values", () => {
  it("twin: all documented defaults at an empty document", () => {
    const { valid, effective } = verdict('{"desired":{}}');
    expect(valid).toBe(true);
    expect(effective).toEqual(
      Object.fromEntries(TWIN_SETTINGS.map((setting) => [setting.name, setting.default])),
    );
  });

  it.each([
    ["maxMessageSizeInBytes", 8192, 8191],
    ["maxMessageSizeInBytes", 262_144, 262_145],
    ["maxLocalCacheSizeInBytes", 8192, 8191],
    ["maxLocalCacheSizeInBytes", Number.MAX_SAFE_INTEGER, 2 ** 53],
    ["highPriorityMessageFrequency", `PT${"0".repeat(28)}7M`, `PT${"0".repeat(29)}7M`],
    ["highPriorityMessageFrequency", "PT1S", "PT0S"],
  ])("twin: %s takes %s and refuses %s at its limit", (name, good, bad) => {
    expect(verdict(withSettings({ [name]: good })).valid).toBe(true);
    const refused = verdict(withSettings({ [name]: bad }));
    expect(refused.invalidFields).toEqual([name]);
    expect(refused.result).toBe(1);
  });

  it.each(["P1W", "P1DT12H", "PT7M", "PT05M", "P0DT1S", "PT1H1S"])(
    "twin: takes the duration %s",
    (text) => expect(verdict(withSettings({ snapshotFrequency: text })).valid).toBe(true),
  );

  it.each(["P", "PT", "P1DT", "P1WT1H", "PT1M1H", "P1H", "PT1D", "P1Y", "P1M", "PT1.5S", "pt7m"])(
    "twin: refuses the duration %s",
    (text) => expect(verdict(withSettings({ snapshotFrequency: text })).valid).toBe(false),
  );

  it.each(["8192.0", "8.192e3", "81920E-1", `8191.${"9".repeat(40)}`, `8192.${"0".repeat(99)}1`])(
    "twin: takes the number %s as the integer 8192, as JSON.parse does",
    (text) => {
      const document = withSettings({ maxMessageSizeInBytes: 0 }).replace(":0}", `:${text}}`);
      expect(verdict(document).effective.maxMessageSizeInBytes).toBe(8192);
    },
  );

  it("twin: the last of duplicate keys counts, with all that is in it", () => {
    const first = `"${TWIN_OBJECT}":{"eventPriorityLogin":{"value":5}}`;
    const second = `"${TWIN_OBJECT}":{"eventPriorityLocalUsers":{"value":"Off","value":"Low"}}`;
    const { valid, effective } = verdict(`{"desired":{${first},${second}}}`);
    expect(valid).toBe(true);
    expect(effective).toMatchObject({ eventPriorityLogin: "High", eventPriorityLocalUsers: "Low" });
  });

  it("twin: flat keys of the later agent set what they stand for", () => {
    const flat = {
      Process_Disabled: true,
      Statistics_Disabled: "True",
      Baseline_MessageFrequency: "Medium",
      CollectorsCore_PriorityIntervals: "30,120,1440",
    };
    expect(verdict(withSettings({}, flat)).effective).toMatchObject({
      eventPriorityProcessCreate: "Off",
      eventPriorityProcessTerminate: "Off",
      eventPriorityMessageStatistics: "Off",
      eventPriorityDroppedEventsStatistics: "Low",
      eventPriorityOSBaseline: "High",
      highPriorityMessageFrequency: "PT30M",
      lowPriorityMessageFrequency: "PT24H",
    });
  });
});

describe("twin documents", () => {
  it("twin: takes 64 containers in each other and refuses 65", () => {
    const nested = (depth: number) =>
      `{"desired":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
    const inObject = (depth: number) => `{"a":${nested(depth - 1)}}`;
    expect(verdict(inObject(64)).result).toBe(OK);
    expect(verdict(inObject(65)).result).toBe(E_BAD_RECORD);
  });

  it.each(["", "nope", "[]", '"x"', '{"desired":{}', '{"desired":{}}x', "\ufeff{}", '{"a":01}'])(
    "twin: %j is no document: invalid, without fields",
    (text) => {
      const { valid, invalidFields, result } = verdict(text);
      expect({ valid, invalidFields, result }).toEqual({
        valid: false,
        invalidFields: [],
        result: E_BAD_RECORD,
      });
    },
  );

  it("twin: a document of a megabyte takes no more memory", () => {
    const core = startTwinCore(wasm);
    const ample = `{"x":"${"é".repeat(500_000)}","desired":{"Login_Disabled":true}}`;
    expect(feed(core, ample).effective.eventPriorityLogin).toBe("Off");
    expect(core.exports.memory_bytes?.()).toBeLessThanOrEqual(MEMORY_BYTES_MAX);
  });

  it("twin: unknown names are reported, in bounded memory, those of the hub are not", () => {
    const few = { SBoM_Disabled: true, 'a"b': 1, $version: 4, é: [] };
    expect(verdict(withSettings({}, few)).unknownFields).toEqual(["SBoM_Disabled", "a?b", "é"]);
    const many = Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`unknown${i}`, i]));
    const { unknownFields } = verdict(withSettings({}, many));
    expect(unknownFields.length).toBeGreaterThan(8);
    expect(unknownFields.at(-1)).toBe("...");
    expect(verdict(withSettings({}, { ["k".repeat(62)]: 1 })).unknownFields[0]?.length).toBe(62);
    expect(verdict(withSettings({}, { ["k".repeat(63)]: 1 })).unknownFields).toEqual(["..."]);
  });

  it.each([
    [{ highPriorityMessageFrequency: "PT2H", lowPriorityMessageFrequency: "PT1H" }, {}],
    [{ maxMessageSizeInBytes: 8193, maxLocalCacheSizeInBytes: 8192 }, {}],
    [{ eventPriorityLogin: "High" }, { Login_Disabled: true }],
    [{ eventPriorityLogin: "Low" }, { Login_MessageFrequency: "Medium" }],
    [{ lowPriorityMessageFrequency: "PT5H" }, { CollectorsCore_PriorityIntervals: "7,7,7" }],
    [{}, { CollectorsCore_PriorityIntervals: "120,30,1440" }],
  ])("twin: %j with %j are in conflict", (settings, flat) => {
    const core = startTwinCore(wasm);
    const names = [...Object.keys(settings), ...Object.keys(flat)];
    feedTwin(core, Buffer.from(withSettings(settings, flat)));
    const { errors } = core.take();
    expect(errors.map(([property, type]) => [property, type])).toEqual(
      names.map((name) => [number(name), CONFLICT]).sort(([a = 0], [b = 0]) => a - b),
    );
    expect(verdict(withSettings(settings, flat)).invalidFields).toEqual(names.sort());
  });
});

describe("twin over time", () => {
  it("twin: invalid at start waits for a valid one; invalid later changes nothing", () => {
    const core = startTwinCore(wasm);
    const bad = withSettings({ eventPriorityLogin: "loud", snapshotFrequency: 7 });
    const good = withSettings({ eventPriorityLogin: "Low" });
    feedTwin(core, Buffer.from(bad));
    expect(core.take()).toMatchObject({
      errors: [
        [number("snapshotFrequency"), TYPE_MISMATCH, 46_800],
        [number("eventPriorityLogin"), TYPE_MISMATCH, 0],
      ],
      flushes: 0,
    });
    expect(core.exports.is_waiting?.()).toBe(1);
    feedTwin(core, Buffer.from(good));
    expect(core.take().flushes).toBe(1);
    expect(core.exports.is_waiting?.()).toBe(0);
    const { valid, effective, invalidFields } = feed(core, bad);
    expect(core.exports.is_waiting?.()).toBe(0);
    expect({ valid, invalidFields }).toEqual({
      valid: false,
      invalidFields: ["eventPriorityLogin", "snapshotFrequency"],
    });
    expect(effective.eventPriorityLogin).toBe("Low");
  });

  it("twin: a removed property goes back to the default, that of the start record first", () => {
    const core = startTwinCore(wasm, { intervals: [60, 0, 120] });
    const given = { highPriorityMessageFrequency: "PT5M", snapshotFrequency: "PT6M" };
    feed(core, withSettings(given));
    const patch = { [TWIN_OBJECT]: { highPriorityMessageFrequency: null } };
    expect(feed(core, JSON.stringify(patch), true).effective).toMatchObject({
      highPriorityMessageFrequency: "PT1M",
      lowPriorityMessageFrequency: "PT5H",
      snapshotFrequency: "PT6M",
    });
    expect(feed(core, "{}").effective.snapshotFrequency).toBe("PT2M");
  });

  it("twin: a patch that heals one fault leaves the other one", () => {
    const core = startTwinCore(wasm);
    feed(core, withSettings({ eventPriorityLogin: 1, snapshotFrequency: 2 }));
    const heal = (name: string, value: string) =>
      feed(core, JSON.stringify({ [TWIN_OBJECT]: { [name]: { value } } }), true).invalidFields;
    expect(heal("eventPriorityLogin", "Off")).toEqual(["snapshotFrequency"]);
    expect(heal("snapshotFrequency", "PT1H")).toEqual([]);
  });

  it("twin: what the board cannot give is accepted, and noted with what it gives", () => {
    const core = startTwinCore(wasm, { cacheBytes: 65_536 });
    const asked = { maxLocalCacheSizeInBytes: 65_537, eventPriorityHeartbeat: "Off" };
    feedTwin(core, Buffer.from(withSettings(asked)));
    const { errors } = core.take();
    expect(errors).toEqual([
      [number("maxLocalCacheSizeInBytes"), NOT_OPTIMAL, 65_536],
      [number("eventPriorityHeartbeat"), NOT_OPTIMAL, 1],
    ]);
  });

  it("twin: a report that the host refuses is not taken as given", () => {
    let answer: number = E_BUSY;
    const core = startTwinCore(wasm, { report: () => answer });
    feedTwin(core, Buffer.from("{}"));
    expect(core.take().reports).toEqual([]);
    answer = OK;
    core.exports.report_again?.();
    core.exports.report_again?.();
    expect(core.take().reports.length).toBe(1);
  });
});

describe("twin left out", () => {
  it("twin: without TWIN the documented defaults hold", async () => {
    const core = startTwinCore(await buildTwinCore({ TWIN: 0 }), { intervals: [60, 0, 0] });
    const settings = [0, 1, 2].map((i) => core.exports.setting?.(i));
    expect(settings).toEqual([60, 18_000, 46_800]);
    expect(core.exports.priority?.(2)).toBe(0); // NetworkActivity: High.
    expect(core.exports.priority?.(15)).toBe(2); // Diagnostic: Off.
    expect(core.exports.aggregation?.(11)).toBe(3600);
  }, 60_000);
});

import { expect, it } from "vitest";
import type { Alert } from "../detect/alerts.ts";
import type { CustomRule } from "../detect/custom-rule-schema.ts";
import { createDetection } from "../detect/detection.ts";
import { loadRules, optionsOf } from "../detect/rule-files.ts";
import type { SecurityEvent } from "../wire/events.ts";
import { event, flow, T0 } from "./support/detect-events.ts";

function run(
  rules: readonly CustomRule[],
  events: readonly SecurityEvent[],
  group = "default",
): Alert[] {
  const detection = createDetection(optionsOf({ rules }, "test"));
  const state = detection.create("dev1", group);
  return events.flatMap((item) =>
    detection.apply(state, { kind: "event", event: item, arrivedMs: item.timeMs ?? T0 }),
  );
}

it("custom: a match on address, protocol and port raises for each cause", () => {
  const rule: CustomRule = {
    name: "modbus-write",
    displayName: "Modbus from outside the cell",
    severity: "High",
    event: "NetworkActivity",
    where: { protocol: "tcp", localPort: 502, remoteAddress: { notCidr: ["10.0.0.0/8"] } },
    by: "remoteAddress",
  };
  const flows = [
    flow({ localPort: 502 }),
    flow({ localPort: 502, remoteAddress: "10.9.9.9" }),
    flow({ localPort: 502, protocol: 17, remoteAddress: "203.0.113.8" }),
    flow({ localPort: 503, remoteAddress: "203.0.113.7" }),
  ];
  const alerts = run([rule], [event("NetworkActivity", 0, flows)]);
  expect(alerts).toMatchObject([
    {
      type: "Picket_CustomRule",
      displayName: "Modbus from outside the cell",
      severity: "High",
      rule: "modbus-write",
      cause: "203.0.113.9",
    },
  ]);
});

it("custom: tags of each payload item are its own", () => {
  const rule: CustomRule = {
    name: "function-code",
    event: "NetworkActivity",
    where: { "tags.function": { gte: 5, lte: 6 }, "tags.command": { like: "write*coil*" } },
    by: "localPort",
  };
  const tagged = {
    ...event("NetworkActivity", 0, [flow({ localPort: 1 }), flow({ localPort: 2 })]),
    extraDetails: {
      function: "3",
      command: "Write Single Coil",
      "Payload[1].function": "5",
      "Payload[1].command": "Write Single Coil",
    },
  } as SecurityEvent;
  expect(run([rule], [tagged]).map(({ cause }) => cause)).toEqual(["2"]);
});

it("custom: sums, greatest values and distinct values are held against a range", () => {
  const window = "PT1M";
  const rules: CustomRule[] = [
    { name: "sum", event: "NetworkActivity", measure: { sum: "bytesOut" }, window, max: 1500 },
    { name: "most", event: "NetworkActivity", measure: { max: "bytesOut" }, window, max: 899 },
    {
      name: "peers",
      event: "NetworkActivity",
      measure: { distinct: "remoteAddress" },
      window,
      max: 1,
    },
    { name: "items", event: "NetworkActivity", window, max: 3 },
  ];
  const at = (ms: number, remoteAddress: string) =>
    event("NetworkActivity", ms, [flow({ remoteAddress, bytesOut: 900 })]);
  const alerts = run(rules, [at(10_000, "a"), at(20_000, "a"), at(30_000, "b"), at(90_000, "a")]);
  const first = alerts.filter((alert, i) => alerts.findIndex(({ id }) => id === alert.id) === i);
  expect(first.map(({ rule, value }) => [rule, value])).toEqual([
    ["most", 900],
    ["sum", 1800],
    ["peers", 2],
  ]);
});

it("custom: a rule for other groups or switched off is quiet", () => {
  const rule: CustomRule = { name: "any", event: "Heartbeat", groups: ["line2"] };
  const beat = event("Heartbeat", 0, [{}]);
  expect(run([rule], [beat])).toEqual([]);
  expect(run([rule], [beat], "line2")).toHaveLength(1);
  expect(run([{ ...rule, enabled: false }], [beat], "line2")).toEqual([]);
});

it.each([
  ["{", /rules.json: no JSON/],
  ['{"rules":[{"name":"a"}]}', /rules.json: \/rules\/0 must have required property 'event'/],
  [
    '{"rules":[{"name":"a","event":"Heartbeat","window":"PT1M"}]}',
    /rule a: a rule with a window needs min, max/,
  ],
  ['{"rules":[{"name":"a","event":"Heartbeat","window":"1m","max":1}]}', /window "1m" is not/],
  ['{"rules":[{"name":"a","event":"Login","where":{"protocol":"tpc"}}]}', /"tpc" is no protocol/],
  [
    '{"rules":[{"name":"a","event":"Login","where":{"remoteAddress":{"cidr":["x"]}}}]}',
    /where.remoteAddress: "x" is not/,
  ],
  ['{"rules":[{"name":"a","event":"Login"},{"name":"a","event":"Login"}]}', /rule a stands twice/],
  ['{"rules":[{"name":"a","event":"Nope"}]}', /rules\/0\/event/],
  ['{"suppressions":[{"until":"tomorrow"}]}', /"tomorrow" is no ISO 8601 time/],
  [
    '{"groups":{"g":{"properties":{"timeWindowRules":[{}]}}}}',
    /group g: .*must have required property/,
  ],
])("custom: %s is refused in one line", (json, message) => {
  expect(() => loadRules(json, "rules.json")).toThrow(message);
  expect(() => loadRules(json, "rules.json")).toThrow(/^[^\n]+$/);
});

it("custom: a hostile pattern takes linear time", () => {
  const where = { executable: { like: `${"*a".repeat(60)}*b` } };
  const rule: CustomRule = { name: "glob", event: "ProcessCreate", where };
  const process = {
    executable: "a".repeat(100_000),
    processId: 1,
    parentProcessId: 0,
    userId: "",
    commandLine: "",
  };
  const start = performance.now();
  expect(run([rule], [event("ProcessCreate", 0, [process])])).toEqual([]);
  expect(performance.now() - start).toBeLessThan(1000);
});

import fc from "fast-check";
import { expect, it } from "vitest";
import { createDetection } from "../detect/detection.ts";
import { groupStateId, type Signal } from "../detect/group-baseline.ts";
import { createProcessor } from "../detect/processor.ts";
import { optionsOf } from "../detect/rule-files.ts";
import { createService } from "../detect/service.ts";
import { openWorkspace } from "../detect/workspace.ts";
import type { EventName, SecurityEvent } from "../wire/events.ts";
import { EVENTS } from "../wire/json1-table.ts";
import { event, flow, message, T0 } from "./support/detect-events.ts";

const windows = [
  "ActiveConnectionsNotInAllowedRange",
  "MqttC2DMessagesNotInAllowedRange",
  "FailedLocalLoginsNotInAllowedRange",
];
const options = optionsOf(
  {
    groups: {
      default: {
        properties: {
          timeWindowRules: windows.map((ruleType) => ({
            isEnabled: true,
            ruleType,
            minThreshold: 1,
            maxThreshold: 5,
            timeWindowSize: "PT1S",
            windowsToRaise: 2,
          })),
          allowlistRules: [
            {
              isEnabled: true,
              ruleType: "ConnectionToIpNotAllowed",
              allowlistValues: ["10.0.0.0/8"],
            },
            { isEnabled: true, ruleType: "ProcessNotAllowed", allowlistValues: ["main"] },
          ],
        },
      },
    },
    rules: [
      {
        name: "sum",
        event: ["NetworkActivity", "Login"],
        measure: { sum: "bytesOut" },
        window: "PT1M",
        min: 1,
        max: 9,
      },
      {
        name: "tag",
        event: "Heartbeat",
        where: { "tags.__proto__": { exists: true } },
        by: "tags.constructor",
      },
    ],
  },
  "hostile",
);

const word = fc.oneof(
  fc.constantFrom(
    "",
    "__proto__",
    "constructor",
    "10.0.0.1",
    "203.0.113.9",
    "2001:db8::1",
    "::",
    "Fail",
    "Success",
    "In",
    "Out",
    "MQTT",
    "TypeMismatch",
    "x".repeat(5000),
  ),
  fc.string(),
);
const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, 6, 17, 22, 53, -1, 1e308, Number.MAX_SAFE_INTEGER),
);
const time = fc.oneof(
  fc.integer({ min: T0, max: T0 + 86_400_000 }),
  fc.constantFrom(0, -1, 8.64e15, -8.64e15, Number.MAX_SAFE_INTEGER),
);
const NAMES = Object.keys(EVENTS) as EventName[];
/** Fields whose values pick a branch; a decoder lets only these through. */
const CHOICES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  transport: fc.constantFrom("MQTT", "AMQP", "HTTP"),
  initiator: fc.constantFrom("local", "remote", null),
  outbound: fc.boolean(),
  answered: fc.constantFrom(true, undefined),
};
const TEXT =
  /address|executable|name|id$|line|operation|result|direction|message|type|configuration|severity|description|error|groups|chain|application|action|category/i;

const anyEvent = fc.constantFrom(...NAMES).chain((name) => {
  const fields = Object.fromEntries(
    Object.keys(EVENTS[name].fields).map((key) => [
      key,
      CHOICES[key] ?? (TEXT.test(key) ? word : number),
    ]),
  );
  return fc.record({
    name: fc.constant(name),
    id: fc.uuid(),
    category: fc.constant("Periodic"),
    eventType: fc.constant("Security"),
    timeMs: fc.option(time, { nil: null }),
    intervalMs: fc.nat(1_000_000),
    isEmpty: fc.boolean(),
    payload: fc.array(fc.record(fields), { maxLength: 40 }),
    extraDetails: fc.dictionary(word, word, { maxKeys: 3 }),
  });
});

it("hostile: no event makes a reducer throw, grow without bound, or leave plain JSON", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyEvent, time), { maxLength: 25 }), (steps) => {
      const detection = createDetection(options);
      const state = detection.create("dev1");
      const group = detection.create(groupStateId("default"));
      for (const [given, arrivedMs] of steps) {
        const signals: Signal[] = [];
        const item = given as unknown as SecurityEvent;
        const alerts = detection.apply(state, { kind: "event", event: item, arrivedMs }, signals);
        for (const signal of signals) alerts.push(...detection.applySignal(group, signal));
        detection.apply(state, { kind: "tick", nowMs: arrivedMs + 1000 });
        for (const alert of alerts) expect(alert.lastTime).toMatch(/^[+-]?\d{4,6}-\d\d-\d\dT/);
      }
      const text = JSON.stringify(state);
      expect(text.length).toBeLessThan(200_000);
      expect(Object.getPrototypeOf({}).polluted).toBeUndefined();
      const again = JSON.parse(text);
      expect(JSON.stringify(again)).toBe(text);
    }),
    { numRuns: 300 },
  );
});

it("hostile: an attack of every kind at once leaves a device's state small", () => {
  const detection = createDetection(options);
  const state = detection.create("dev1");
  for (let n = 0; n < 300; n++) {
    const flows = Array.from({ length: 200 }, (_, i) =>
      flow({
        remoteAddress: `203.0.${i % 100}.${n % 250}`,
        remotePort: (i * 7) % 65_536,
        localPort: (n * i) % 65_536,
        protocol: i % 2 ? 6 : 17,
        initiator: i % 3 ? "local" : "remote",
        outbound: i % 3 !== 0,
        bytesOut: 100_000,
      }),
    );
    const item = event("NetworkActivity", n * 1000, flows, 1000);
    detection.apply(state, { kind: "event", event: item, arrivedMs: T0 + n * 1000 });
  }
  expect(JSON.stringify(state).length).toBeLessThan(64 * 1024);
});

it("hostile: random bytes become dead letters and never stop the service", async () => {
  const workspace = await openWorkspace();
  const processor = createProcessor(createDetection(options));
  const detect = await createService({ processor, workspace, now: () => T0 });
  const good = message("dev1", [event("Heartbeat", 0, [])], 0);
  let sent = 0;
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(2), async (bytes, start) => {
      const head = [[], [0xd9, 0xd9, 0xf7, 0x9f], [0x7b]][start] ?? [];
      await detect.ingest({ ...good, body: Uint8Array.from([...head, ...bytes]) });
      sent += 1;
    }),
    { numRuns: 200 },
  );
  expect(detect.counts()).toMatchObject({ messages: sent, deadLetters: sent });
  const { rows } = await workspace.query("SELECT count(*)::INT FROM PicketDeadLetter");
  expect(rows).toEqual([[sent]]);
  await workspace.close();
});

it("hostile: names that nobody registered get no state of their own", () => {
  const processor = createProcessor(createDetection());
  for (let n = 0; n < 1000; n++) {
    processor.operation({
      timeMs: T0 + n,
      category: "Connections",
      operationName: "authenticationFailed",
      result: "Failure",
      deviceId: `ghost${n}`,
      moduleId: null,
      statusCode: 401002,
      reason: "identity is not registered",
      protocol: "Mqtt",
      properties: {},
    });
  }
  expect(processor.states.size).toBe(1);
});

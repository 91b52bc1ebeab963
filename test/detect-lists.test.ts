import { expect, it } from "vitest";
import { createDetection } from "../detect/detection.ts";
import { GroupError, parseGroup } from "../detect/groups.ts";
import { createPrefixTable } from "../detect/prefix-table.ts";
import { event, flow, T0 } from "./support/detect-events.ts";

const allow = (ruleType: string, allowlistValues: string[]) =>
  parseGroup("default", {
    properties: { allowlistRules: [{ isEnabled: true, ruleType, allowlistValues }] },
  });

function alertsOf(group: ReturnType<typeof parseGroup>, ...events: ReturnType<typeof event>[]) {
  const detection = createDetection({ groups: [group] });
  const state = detection.create("dev1");
  return events.flatMap((item) =>
    detection.apply(state, { kind: "event", event: item, arrivedMs: T0 }),
  );
}

it("lists: an outbound flow to an address off the list raises once and is counted", () => {
  const group = allow("ConnectionToIpNotAllowed", ["10.0.0.0/8", "2001:db8::/32"]);
  const activity = (at: number, ...remotes: string[]) =>
    event(
      "NetworkActivity",
      at,
      remotes.map((remoteAddress) => flow({ remoteAddress })),
    );
  const alerts = alertsOf(
    group,
    activity(10_000, "10.1.2.3", "2001:db8::7", "203.0.113.9"),
    activity(20_000, "203.0.113.9", "224.0.0.251"),
  );
  expect(alerts.map(({ value, count, rule }) => [value, count, rule])).toEqual([
    ["203.0.113.9", 1, "ConnectionToIpNotAllowed"],
    ["203.0.113.9", 2, "ConnectionToIpNotAllowed"],
  ]);
  expect(alerts[0]).toMatchObject({
    type: "IoT_CA_ConnectionToIpNotAllowed",
    displayName: "Outbound connection to an IP that isn't allowed",
    severity: "Low",
    range: { allowed: ["10.0.0.0/8", "2001:db8::/32"] },
  });
});

it("lists: inbound flows do not break the list of outbound ones", () => {
  const group = allow("ConnectionToIpNotAllowed", []);
  const inbound = flow({ initiator: "remote", outbound: false });
  expect(alertsOf(group, event("NetworkActivity", 0, [inbound]))).toEqual([]);
});

it("lists: more causes than a device may hold share one alert", () => {
  const group = allow("ConnectionToIpNotAllowed", []);
  const flows = Array.from({ length: 300 }, (_, n) =>
    flow({ remoteAddress: `203.0.113.${n % 256}` }),
  );
  const alerts = alertsOf(group, event("NetworkActivity", 0, flows));
  const listed = alerts.filter(({ rule }) => rule === "ConnectionToIpNotAllowed");
  const open = new Map(listed.map((alert) => [alert.id, alert]));
  expect(open.size).toBe(33);
  expect([...open.values()].at(-1)).toMatchObject({ cause: "(others)" });
});

it("lists: a user and a process that are not allowed raise", () => {
  const login = {
    processId: 1,
    operation: "Login",
    executable: "ssh",
    result: "Success",
    userName: "eve",
  } as const;
  expect(
    alertsOf(allow("LocalUserNotAllowed", ["bob"]), event("Login", 0, [login]))[0],
  ).toMatchObject({
    value: "eve",
    type: "IoT_CA_LocalUserNotAllowed",
  });
  const process = {
    executable: "nc",
    processId: 1,
    parentProcessId: 0,
    userId: "0",
    commandLine: "nc -l",
  };
  const alerts = alertsOf(
    allow("ProcessNotAllowed", ["main"]),
    event("ProcessCreate", 0, [process]),
  );
  expect(alerts[0]).toMatchObject({ value: "nc" });
});

it("groups: name the place of what is wrong in one line", () => {
  const bad =
    (rule: object, list = "timeWindowRules") =>
    () =>
      parseGroup("line1", { properties: { [list]: [rule] } });
  const window = {
    isEnabled: true,
    ruleType: "FileUploadsNotInAllowedRange",
    minThreshold: 0,
    maxThreshold: 1,
    timeWindowSize: "PT5M",
  };
  expect(bad({ ...window, minThreshold: 2 })).toThrow(
    /line1: FileUploads.*minThreshold 2 is above 1/,
  );
  expect(bad({ ...window, timeWindowSize: "5 minutes" })).toThrow(
    /"5 minutes" is not PT1S to P31D/,
  );
  expect(bad({ ...window, ruleType: "Nonsense" })).toThrow(GroupError);
  const list = {
    isEnabled: true,
    ruleType: "ConnectionToIpNotAllowed",
    allowlistValues: ["10.0.0.0/33"],
  };
  expect(bad(list, "allowlistRules")).toThrow(/"10.0.0.0\/33" is not an IP or CIDR/);
});

it("groups: one given rule comes back with all others disabled", () => {
  const group = parseGroup("g", {
    properties: {
      timeWindowRules: [
        {
          isEnabled: true,
          ruleType: "TwinUpdatesNotInAllowedRange",
          minThreshold: 0,
          maxThreshold: 30,
          timeWindowSize: "PT05M",
        },
      ],
    },
  });
  expect(group.timeWindowRules).toHaveLength(16);
  expect(group.timeWindowRules.filter((rule) => rule.isEnabled)).toHaveLength(1);
  expect(group.timeWindowRules[0]).toMatchObject({
    isEnabled: false,
    minThreshold: 0,
    maxThreshold: 0,
    timeWindowSize: "PT15M",
  });
});

it("prefixes: the longest wins, in both families", () => {
  const table = createPrefixTable([
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.3",
    "2001:db8::/32",
    "2001:db8:0:1::/64",
    "255.255.255.255",
  ]);
  const matches = [
    "9.9.9.9",
    "10.9.9.9",
    "10.1.9.9",
    "10.1.2.3",
    "10.1.2.4",
    "2001:db8::1",
    "2001:db8:0:1::1",
    "2001:db9::",
    "255.255.255.255",
    "nonsense",
  ];
  expect(matches.map((address) => table.match(address))).toEqual([0, 1, 2, 3, 2, 4, 5, -1, 6, -1]);
});

import { expect, it } from "vitest";
import { jsonText } from "../wire/json-text.ts";
import { toJson1 } from "../wire/json1.ts";
import { checkJson1 } from "../wire/json1-schema.ts";
import { decodeLegacy } from "../wire/legacy.ts";
import { fromLegacy } from "../wire/legacy-neutral.ts";
import {
  build,
  event,
  flow,
  inline,
  message,
  structs,
  type TableNode,
  table,
  text,
  vector,
} from "./support/flatbuffer-builder.ts";
import { SAMPLES, sample, sampleJson } from "./support/legacy-samples.ts";

const NETWORK = 1;
const SYSTEM = 2;
const PORTS = 3;
const HEARTBEAT = 4;
const BASELINE = 5;
const PROCESS = 6;
const LOG = 7;

function payloadOf(tag: number, payload: TableNode): unknown {
  return decodeLegacy(build(message(tag, payload)).bytes).events[0]?.payload;
}

it.each(SAMPLES)("legacy: sample %s decodes to its JSON, text for text", (name) => {
  expect(jsonText(decodeLegacy(sample(name)))).toBe(sampleJson(name));
});

it("legacy: payloads without a sample decode with all fields", () => {
  const check = table(text("C1"), inline(2, 1), text("e"), text("d"), inline(3, 1), text("r"));
  expect(payloadOf(BASELINE, table(vector(check)))).toEqual({
    baseline_checks: [
      {
        id: "C1",
        result: "ERROR",
        error: "e",
        description: "d",
        severity: "INFORMATIONAL",
        remediation: "r",
      },
    ],
  });
  const numbers = [inline(7, 4), inline(8, 4), inline(9, 4)];
  const process = table(
    text("/bin/x"),
    ...numbers,
    text("u"),
    text("x -y"),
    inline(2, 1),
    inline(5, 4),
  );
  expect(payloadOf(PROCESS, process)).toEqual({
    executable: "/bin/x",
    process_id: 7,
    parent_process_id: 8,
    user_id: 9,
    user_name: "u",
    commandline: "x -y",
    event_type: "EXIT",
    hit_count: 5,
  });
  const record = table(
    text("m"),
    inline(3, 1),
    inline(2n ** 63n - 1n, 8),
    inline(4, 4),
    text("f.c"),
  );
  const log = payloadOf(LOG, table(vector(record)));
  expect(log).toEqual({
    logs: [{ message: "m", level: "WARN", timestamp: 2n ** 63n - 1n, line: 4, filename: "f.c" }],
  });
  expect(jsonText(log)).toContain('"timestamp": 9223372036854775807,');
});

it("legacy: absent numbers take the schema's default, absent texts and vectors stay absent", () => {
  expect(payloadOf(BASELINE, table(vector(table(text("C1")))))).toEqual({
    baseline_checks: [{ id: "C1", result: "PASS", severity: "CRITICAL" }],
  });
  expect(payloadOf(PROCESS, table())).toEqual({
    process_id: 0,
    parent_process_id: 0,
    user_id: 0,
    event_type: "FORK",
    hit_count: 1,
  });
  const record = table(text("m"), null, null, null, text("f.c"));
  expect(payloadOf(LOG, table(vector(record)))).toEqual({
    logs: [{ message: "m", level: "NOTSET", timestamp: 0, line: 0, filename: "f.c" }],
  });
  expect(payloadOf(SYSTEM, table())).toEqual({});
  expect(payloadOf(NETWORK, table(vector()))).toEqual({ ipv4_activity: [] });
  expect(payloadOf(PORTS, table(null, structs(0, new Uint8Array())))).toEqual({ ipv6_ports: [] });
});

it("legacy: bytes that are not UTF-8 become U+FFFD", () => {
  const system = table(text(Uint8Array.of(0x61, 0xff, 0x62)));
  expect(payloadOf(SYSTEM, system)).toEqual({ os_info: "a\ufffdb" });
});

it("legacy: a missing required field or a value beyond the schema is named with its place", () => {
  const cases: [TableNode, RegExp][] = [
    [
      table(null, null, null, vector()),
      /^security_module_id is missing from the table \(byte \d+\)$/,
    ],
    [table(text("a")), /^events is missing/],
    [table(text("a"), null, null, vector(table())), /^id is missing from the event/],
    [table(text("a"), null, null, vector(event(4, null))), /^payload is missing/],
    [message(0, table()), /^payload_type is missing|no payload 0/],
    [message(8, table()), /^payload_type: schema 2.3 has no payload 8/],
    [message(255, table()), /no payload 255/],
    [message(1, table(vector(table(null, table())))), /^addresses are missing/],
    [message(1, table(vector(table(new Uint8Array(8))))), /^common is missing/],
    [message(1, table(null, vector(table(new Uint8Array(31))))), /outside it|common is missing/],
    [
      message(1, table(vector(flow(1, table(null, null, null, null, inline(3, 1)))))),
      /^protocol: the schema has no value 3/,
    ],
    [
      message(5, table(vector(table(text("i"), inline(-1, 1))))),
      /^result: the schema has no value -1/,
    ],
    [message(7, table(vector(table(text("m"))))), /^filename is missing/],
  ];
  expect(payloadOf(HEARTBEAT, table())).toEqual({});
  for (const [node, expected] of cases) {
    const { bytes } = build(node);
    expect(() => decodeLegacy(bytes)).toThrow(expected);
  }
});

it("legacy: neutral form of a message from a board", () => {
  const neutral = fromLegacy(decodeLegacy(sample("p07_all_collectors")));
  expect(neutral).toMatchObject({
    format: "legacy-2.3",
    agentId: "defender-iot-micro-agent",
    agentVersion: "3.5.4",
    messageId: null,
  });
  const [network, system, heartbeat] = neutral.events;
  expect(network).toMatchObject({
    name: "NetworkActivity",
    id: "3b333333-2222-2222-5d55-555544444444",
    timeMs: 1_700_000_143_000,
    intervalMs: 10_000,
    isEmpty: false,
  });
  expect(network?.payload).toHaveLength(5);
  expect(network?.payload[1]).toEqual({
    protocol: 6,
    localAddress: "192.168.1.10",
    localPort: 49174,
    remoteAddress: "10.22.22.23",
    remotePort: 443,
    packetsIn: 0,
    packetsOut: 0,
    bytesIn: 0,
    bytesOut: 2,
    initiator: null,
    outbound: true,
  });
  expect(network?.payload[3]).toMatchObject({
    localAddress: "fd12:3456::a",
    remoteAddress: "2001:db8:1:2:3:4:5:c8",
    outbound: false,
  });
  expect(system).toMatchObject({
    name: "SystemInformation",
    payload: [{ osName: "Azure RTOS 6.2" }],
  });
  expect(heartbeat).toMatchObject({ name: "Heartbeat", payload: [{}], isEmpty: false });
});

it("legacy: neutral form keeps what the model has no field for in extraDetails", () => {
  const check = (id: string) => table(text(id), null, null, null, null, text(`fix ${id}`));
  const exit = table(text("x"), inline(7, 4), null, null, null, null, inline(2, 1));
  const record = table(text("m"), null, inline(5, 8), inline(9, 4), text("f.c"));
  const { bytes } = build(
    table(
      text("a"),
      null,
      inline(-7, 1),
      vector(
        event(5, table(vector(check("A"), check("B")))),
        event(6, exit),
        event(7, table(vector(record))),
        event(1, table()),
      ),
    ),
  );
  const message = fromLegacy(decodeLegacy(bytes));
  const [baseline, process, log, network] = message.events;
  expect(baseline?.extraDetails).toEqual({
    Remediation: "fix A",
    "Payload[1].Remediation": "fix B",
    Timezone: "-7",
  });
  expect(process).toMatchObject({
    name: "ProcessTerminate",
    category: "Triggered",
    payload: [{ executable: "x", processId: 7, hitCount: 1 }],
    extraDetails: { ParentProcessId: "0", UserId: "0" },
  });
  expect(log).toMatchObject({
    name: "Diagnostic",
    payload: [{ severity: "Information", message: "m" }],
    extraDetails: { FileName: "f.c", Line: "9", Timestamp: "5", Level: "NOTSET" },
  });
  expect(network).toMatchObject({ isEmpty: true, payload: [] });
  expect(() => checkJson1(toJson1(message))).not.toThrow();
});

it.each(SAMPLES)("legacy: sample %s as JSON 1.0 matches its schema", (name) => {
  const json = toJson1(fromLegacy(decodeLegacy(sample(name))));
  expect(() => checkJson1(json)).not.toThrow();
  expect(toJson1(fromLegacy(decodeLegacy(sample(name))))).toEqual(json);
});

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, it } from "vitest";
import { WireError } from "../wire/events.ts";
import { type Json1Message, parseJson1, readJson1, toJson1 } from "../wire/json1.ts";
import { timestampMs } from "../wire/json1-kinds.ts";
import { json1Messages } from "./support/json1-arbitrary.ts";

const ID = "00000000-0000-4000-8000-00000000000a";

/** Category, type and one item of each documented event, as its documentation gives them. */
const DOCUMENTED: Record<string, [category: string, type: string, item: object]> = JSON.parse(
  readFileSync(new URL("./fixtures/json1-events.json", import.meta.url), "utf8"),
);

function message(name: string, change: object = {}, payload?: unknown[]): Json1Message {
  const [category, type, item] = DOCUMENTED[name] ?? [];
  const event = {
    Id: ID,
    TimestampLocal: "2024-01-02T05:04:05.006+02:00",
    TimestampUTC: "2024-01-02T03:04:05.006Z",
    Category: category,
    Name: name,
    EventType: type,
    IsEmpty: false,
    PayloadSchemaVersion: "1.0",
    Payload: payload ?? [item],
    ...change,
  };
  const whole = {
    AgentVersion: "1.0.0",
    AgentId: ID,
    MessageSchemaVersion: "1.0",
    Events: [event],
  };
  return whole as unknown as Json1Message;
}

function parse(json: object) {
  return parseJson1(JSON.stringify(json));
}

it.each(Object.keys(DOCUMENTED))("json1: documented event %s survives both ways", (name) => {
  const json = message(name);
  const [event] = json.Events;
  const written = toJson1(parse(json));
  expect(written).toEqual({ ...json, Events: [{ ...event, TimestampLocal: event?.TimestampUTC }] });
});

it("json1: ports, protocols, times and details become numbers", () => {
  expect(parse(message("ConnectionCreate")).events[0]?.payload[0]).toMatchObject({
    protocol: 6,
    localPort: 49152,
    remotePort: 443,
    remoteAddress: "2001:db8::1",
  });
  const [process] = parse(message("ProcessCreate")).events;
  const timeMs = Date.UTC(2024, 0, 2, 3, 4, 5, 6);
  expect(process).toMatchObject({ timeMs, extraDetails: { Note: "n" } });
  expect(process?.payload[0]).toMatchObject({ hitCount: 3, firstTimeMs: timeMs });
  const [dropped] = parse(message("DroppedEventsStatistics")).events;
  expect(dropped?.payload[0]).toMatchObject({ causes: { ringFull: 4 } });
});

it("json1: the documents' own sample is read although it misses their schema", () => {
  const item = { Executable: "/usr/bin/app", ProcessId: 2, ParentProcessId: 1, CommandLine: "app" };
  const blank = { TimestampUTC: "2019-01-27 15:48:52Z", TimestampLocal: "2019-01-27 15:48:52Z" };
  const [event] = parse(message("ProcessCreate", blank, [item])).events;
  expect(event?.timeMs).toBe(Date.UTC(2019, 0, 27, 15, 48, 52));
  expect(event?.payload[0]).toMatchObject({ userId: "" });
});

it("json1: a byte order mark and leading blanks are read over", () => {
  const text = `\ufeff \r\n\t${JSON.stringify(message("Login"))}\n`;
  expect(parseJson1(new TextEncoder().encode(text)).events).toHaveLength(1);
});

it("json1: what does not match is refused with path and reason", () => {
  const login = DOCUMENTED.Login?.[2];
  const cases: [unknown, string][] = [
    [[], "the message must be object"],
    [{ ...message("Login"), Extra: 1 }, "the message must NOT have additional properties: Extra"],
    [{ ...message("Login"), AgentId: "me" }, 'AgentId must match format "guid"'],
    [{ ...message("Login"), MessageSchemaVersion: "2.0" }, "must be equal to constant: 1.0"],
    [{ ...message("Login"), Events: [] }, "Events must NOT have fewer than 1 items"],
    [message("Login", { Name: "Logon" }), "Events[0].Name must be equal to one of"],
    [message("Login", { TimestampUTC: "2024-02-30T00:00:00Z" }), "Events[0].TimestampUTC"],
    [message("Login", {}, []), "Events[0].Payload must NOT have fewer than 1 items"],
    [message("Login", { IsEmpty: true }), "Events[0]."],
    [message("Login", { IsEmpty: true }, []), "Events[0].Category must be equal to constant"],
    [message("LocalUsers", { IsEmpty: true }), "Events[0].Payload must NOT have more than 0"],
    [message("Login", {}, [{ ...login, ProcessId: "1" }]), "Events[0].Payload[0].ProcessId"],
    [message("Login", {}, [{ ...login, LocalPort: 22 }]), "Payload[0].LocalPort must be string"],
    [message("Login", {}, [{ ...login, LocalPort: "65536" }]), "LocalPort must match format"],
    [message("Login", {}, [{ ...login, RemoteAddress: "1.2.3" }]), "RemoteAddress must match"],
    [message("Login", {}, [{ ...login, Color: 1 }]), "additional properties: Color"],
    [message("Login", {}, [login, {}]), "Events[0].Payload[1] must have required property"],
    [message("Login", {}, [{ ...login, ExtraDetails: { a: 1 } }]), "ExtraDetails.a must be string"],
  ];
  for (const [json, expected] of cases) {
    expect(() => parse(json as object), expected).toThrow(WireError);
    expect(() => parse(json as object)).toThrow(expected);
  }
});

it("json1: an empty periodic event and a device without a clock survive", () => {
  const empty = message(
    "LocalUsers",
    { IsEmpty: true, TimestampUTC: "1970-01-01T00:00:00.000Z" },
    [],
  );
  const neutral = parse(empty);
  expect(neutral.events[0]).toMatchObject({ isEmpty: true, payload: [], timeMs: null });
  expect(parse(toJson1(neutral))).toEqual(neutral);
});

it("json1: details of several items keep their item", () => {
  const item = DOCUMENTED.LocalUsers?.[2];
  const payload = [
    { ...item, ExtraDetails: { a: "1" } },
    { ...item, ExtraDetails: { a: "2", b: "3" } },
  ];
  const neutral = parse(message("LocalUsers", {}, payload));
  expect(neutral.events[0]?.extraDetails).toEqual({
    a: "1",
    "Payload[1].a": "2",
    "Payload[1].b": "3",
  });
  expect(toJson1(neutral).Events[0]?.Payload).toEqual(payload);
});

it("json1: generated messages are equal after writing and reading", () => {
  fc.assert(
    fc.property(json1Messages, (message) => {
      const json = JSON.stringify(toJson1(message));
      expect(parseJson1(json)).toStrictEqual(message);
      expect(parseJson1(new TextEncoder().encode(json))).toStrictEqual(message);
    }),
    { numRuns: 400 },
  );
});

it("json1: changed and cut texts are read or refused with one line", () => {
  const sound = new TextEncoder().encode(JSON.stringify(message("ProcessCreate")));
  const change = fc.tuple(fc.nat(sound.length - 1), fc.nat(255));
  const changes = fc.tuple(fc.array(change, { maxLength: 6 }), fc.nat(sound.length));
  fc.assert(
    fc.property(changes, ([patch, length]) => {
      const bytes = sound.slice(0, patch.length > 3 ? length : undefined);
      for (const [at, value] of patch) if (at < bytes.length) bytes[at] = value;
      refusedOrRead(bytes);
    }),
    { numRuns: 3_000 },
  );
  const values = fc.jsonValue({ maxDepth: 4 });
  fc.assert(fc.property(values, (json) => refusedOrRead(JSON.stringify(json))));
});

it("json1: deep nesting, huge numbers and names of Object's own are refused or read", () => {
  refusedOrRead("[".repeat(500_000));
  refusedOrRead(`{"a":`.repeat(100_000));
  refusedOrRead(`{"Events":${"[".repeat(200_000)}${"]".repeat(200_000)}}`);
  const text = JSON.stringify(message("Login"));
  refusedOrRead(text.replace('"ProcessId":1', '"ProcessId":1e999'));
  refusedOrRead(text.replace('"ProcessId":1', '"ProcessId":9007199254740993'));
  refusedOrRead(text.replace('"Name":"Login"', '"Name":"constructor"'));
  const proto = text.replace('"UserName":"u"', '"ExtraDetails":{"__proto__":"x"}');
  const [event] = parseJson1(proto).events;
  expect(Object.entries(event?.extraDetails ?? {})).toEqual([["__proto__", "x"]]);
  expect(() => parseJson1(Uint8Array.of(0x7b, 0xff))).toThrow("JSON: the text is not UTF-8");
});

it("json1: an agent id that is no GUID becomes the same GUID each time", () => {
  const neutral = { ...parse(message("Login")), agentId: "defender-iot-micro-agent" };
  const { AgentId } = toJson1(neutral);
  expect(AgentId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(toJson1(neutral).AgentId).toBe(AgentId);
  expect(toJson1({ ...neutral, agentId: "other" }).AgentId).not.toBe(AgentId);
  expect(() => readJson1(JSON.stringify(toJson1(neutral)))).not.toThrow();
});

it("json1: a time that RFC 3339 cannot write is refused", () => {
  const neutral = parse(message("Login"));
  const at = (timeMs: number) =>
    toJson1({ ...neutral, events: neutral.events.map((event) => ({ ...event, timeMs })) });
  expect(at(253_402_300_799_999).Events[0]?.TimestampUTC).toBe("9999-12-31T23:59:59.999Z");
  for (const bad of [253_402_300_800_000, -1, Number.NaN]) expect(() => at(bad)).toThrow(WireError);
});

it("json1: timestamps of RFC 3339 and of fielded agents become ms", () => {
  const at = Date.UTC(2024, 1, 29, 23, 59, 59);
  for (const [text, ms] of [
    ["2024-02-29T23:59:59Z", at],
    ["2024-02-29t23:59:59z", at],
    ["2024-02-29 23:59:59", at],
    ["2024-02-29T23:59:59.1234567Z", at + 123],
    ["2024-02-29T23:59:59.5+01:30", at + 500 - 90 * 60_000],
    ["2024-02-29T23:59:59-00:30", at + 30 * 60_000],
    ["0001-01-01T00:00:00", -62_135_596_800_000],
    ["2023-02-29T00:00:00Z", null],
    ["2024-13-01T00:00:00Z", null],
    ["2024-02-29T24:00:00Z", null],
    ["2024-02-29T23:59:60Z", null],
    ["2024-02-29", null],
    ["yesterday", null],
  ] as const) {
    expect(timestampMs(text), text).toBe(ms);
  }
});

function refusedOrRead(input: Uint8Array | string): void {
  try {
    parseJson1(input);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    expect(error.message).toMatch(/^[^\n\r]+$/);
  }
}

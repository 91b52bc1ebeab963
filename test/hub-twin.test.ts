import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHub, type Hub } from "../hub/hub.ts";
import {
  checkSection,
  checkSize,
  DEPTH_MAX,
  INTEGER_MAX,
  INTEGER_MIN,
  KEY_BYTES_MAX,
  merge,
  SECTION_BYTES_MAX,
  STRING_BYTES_MAX,
} from "../hub/twin/document.ts";
import { dial } from "./hub-support.ts";

let hub: Hub;

beforeEach(async () => {
  hub = await createHub();
});

afterEach(() => hub.close());

function nested(levels: number): unknown {
  return levels === 0 ? 1 : { a: nested(levels - 1) };
}

/** A device that keeps what it is sent, as `topic body`. */
async function listen(deviceId: string, key: string, ...filters: string[]) {
  const client = await dial(hub, deviceId, key);
  const seen: string[] = [];
  client.on("message", (topic, payload) => seen.push(`${topic} ${payload}`));
  await client.subscribeAsync(filters);
  return { client, seen };
}

describe("hub twin", () => {
  it.each([
    ["integer", INTEGER_MAX, INTEGER_MAX + 1],
    ["integer below 0", INTEGER_MIN, INTEGER_MIN - 1],
    ["text", "x".repeat(STRING_BYTES_MAX), "x".repeat(STRING_BYTES_MAX + 1)],
    ["depth", nested(DEPTH_MAX), nested(DEPTH_MAX + 1)],
  ])("twin: %s of the limit is taken, one more is not", (_name, good, bad) => {
    expect(checkSection("reported", { v: good })).toEqual({ v: good });
    expect(() => checkSection("reported", { v: bad })).toThrow(/^reported: /);
  });

  it.each(["", "a.b", "$a", "a b", "a\u0000", "x".repeat(KEY_BYTES_MAX + 1)])(
    "twin: refuses key %j at any level",
    (key) => {
      expect(() => checkSection("tags", { [key]: 1 })).toThrow(/^tags: key /);
      expect(() => checkSection("tags", { a: { [key]: 1 } })).toThrow(/^tags: key /);
      expect(checkSection("tags", { ["x".repeat(KEY_BYTES_MAX)]: 1 })).toBeTruthy();
    },
  );

  it.each(["desired", "reported", "tags"] as const)(
    "twin: section %s of its size is taken, one byte more is not",
    (section) => {
      const max = SECTION_BYTES_MAX[section];
      const parts = Math.ceil(max / STRING_BYTES_MAX);
      const value: Record<string, string> = {};
      for (let i = 0; i < parts; i++) value[String(i % 10)] = "";
      const room = max - parts;
      for (let i = 0; i < parts; i++) {
        const before = Math.floor((room * i) / parts);
        value[String(i)] = "x".repeat(Math.floor((room * (i + 1)) / parts) - before);
      }
      expect(() => checkSize(section, value)).not.toThrow();
      expect(() => checkSize(section, { ...value, 0: `${value[0]}x` })).toThrow(`${max + 1} bytes`);
    },
  );

  it("twin: merges objects, deletes with null, replaces arrays and scalars", () => {
    const base = { a: { b: 1, c: 2 }, d: [1, 2], e: 1 };
    const patch = { a: { b: null, x: { y: null, z: 1 } }, d: [3], e: { f: 1 }, g: null };
    expect(merge(base, patch)).toEqual({ a: { c: 2, x: { z: 1 } }, d: [3], e: { f: 1 } });
  });

  it("twin: __proto__ is a key like any other and changes no prototype", () => {
    const patch = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"p":1}}}');
    const merged = merge({}, checkSection("reported", patch));
    expect(Object.keys(merged)).toEqual(["__proto__", "constructor"]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(JSON.stringify(merged)).toBe(JSON.stringify(patch));
  });

  it("twin: over MQTT, versions and bodies are the documented ones", async () => {
    const { primaryKey } = hub.createDevice("d");
    const { client, seen } = await listen(
      "d",
      primaryKey,
      "$iothub/twin/res/#",
      "$iothub/twin/PATCH/properties/desired/#",
    );
    client.publish("$iothub/twin/GET/?$rid=1", " ");
    const empty = '{"desired":{"$version":1},"reported":{"$version":1}}';
    await expect.poll(() => seen).toEqual([`$iothub/twin/res/200/?$rid=1 ${empty}`]);
    client.publish("$iothub/twin/PATCH/properties/reported/?$rid=a-2", '{"x":1,"$version":9}');
    await expect.poll(() => seen[1]).toBe("$iothub/twin/res/204/?$rid=a-2&$version=2 ");
    client.publish("$iothub/twin/PATCH/properties/reported/?$rid=3", "no json");
    await expect
      .poll(() => seen[2])
      .toMatch(/^\$iothub\/twin\/res\/400\/\?\$rid=3 \{"errorCode":400004,/);
    const ref = { deviceId: "d", moduleId: null };
    hub.core.twins.patch(ref, { properties: { desired: { a: { b: 1 }, c: null } } }, "*");
    await expect
      .poll(() => seen[3])
      .toBe(
        '$iothub/twin/PATCH/properties/desired/?$version=2 {"a":{"b":1},"c":null,"$version":2}',
      );
    hub.core.twins.replace(ref, { properties: { desired: { z: 1 } } }, "*");
    await expect
      .poll(() => seen[4])
      .toBe('$iothub/twin/PATCH/properties/desired/?$version=3 {"z":1,"$version":3}');
    hub.core.twins.patch(ref, { tags: { t: 1 } }, "*");
    client.publish("$iothub/twin/GET/?$rid=4", "");
    const full = '{"desired":{"z":1,"$version":3},"reported":{"x":1,"$version":2}}';
    await expect.poll(() => seen[5]).toBe(`$iothub/twin/res/200/?$rid=4 ${full}`);
    await client.endAsync();
  });

  it("twin: changes of another device or of the device's module reach nobody else", async () => {
    const one = hub.createDevice("one");
    hub.createDevice("two");
    hub.createModule("one", "m");
    const { client, seen } = await listen(
      "one",
      one.primaryKey,
      "$iothub/twin/PATCH/properties/desired/#",
    );
    const body = { properties: { desired: { a: 1 } } };
    hub.core.twins.patch({ deviceId: "two", moduleId: null }, body, "*");
    hub.core.twins.patch({ deviceId: "one", moduleId: "m" }, body, "*");
    hub.core.twins.patch({ deviceId: "one", moduleId: null }, body, "*");
    await expect.poll(() => seen.length).toBe(1);
    await client.endAsync();
  });

  it("method: an answer of another device with the right request id does not count", async () => {
    const one = hub.createDevice("one");
    const two = hub.createDevice("two");
    const first = await listen("one", one.primaryKey, "$iothub/methods/POST/#");
    const second = await listen("two", two.primaryKey, "$iothub/methods/POST/#");
    const call = hub.core.methods.invoke(
      { deviceId: "one", moduleId: null },
      { methodName: "m", payload: { a: 1 }, responseTimeoutMs: 5000, connectTimeoutMs: 1000 },
    );
    await expect.poll(() => first.seen.length).toBe(1);
    expect(first.seen[0]).toMatch(/^\$iothub\/methods\/POST\/m\/\?\$rid=\w+ \{"a":1\}$/);
    const rid = /rid=(\w+)/.exec(first.seen[0] ?? "")?.[1];
    await second.client.publishAsync(`$iothub/methods/res/200/?$rid=${rid}`, '"forged"');
    await second.client.publishAsync("devices/two/messages/events/", "x", { qos: 1 });
    await first.client.publishAsync(`$iothub/methods/res/201/?$rid=${rid}`, '"true"');
    expect(await call).toEqual({ status: 201, payload: "true" });
    expect(second.seen).toEqual([]);
    await first.client.endAsync();
    await second.client.endAsync();
  });
});

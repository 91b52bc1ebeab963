import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import { readCapture } from "../sim/capture.ts";
import { REPLAY_OPTIONS, replay } from "../sim/replay.ts";
import { decodeMessage } from "../wire/decode.ts";
import { WireError } from "../wire/events.ts";
import { parseJson1, toJson1 } from "../wire/json1.ts";
import { decodePicket } from "../wire/picket.ts";
import { loadCapture } from "./support/captures.ts";
import { agentOn, IN, OUT } from "./support/core.ts";
import { ipv4, UDP, udp } from "./support/datagrams.ts";

let messages: Uint8Array[];

beforeAll(async () => {
  const { wasm } = await buildCore({ ...REPLAY_OPTIONS });
  messages = [];
  for (const name of ["d1_benign", "d5_floodc2d", "d6_odd"] as const) {
    const { bytes, truth } = loadCapture(name);
    replay({
      capture: readCapture(bytes, name),
      addresses: parseDeviceAddresses(truth.device),
      wasm,
      intervalMs: 5000,
      onMessage: (message) => messages.push(message.bytes),
    });
  }
});

it("picket-message: what the core writes comes back from JSON 1.0 unchanged", () => {
  expect(messages.length).toBeGreaterThan(10);
  for (const bytes of messages) {
    const message = decodeMessage(bytes);
    expect(message.format).toBe("picket");
    const text = JSON.stringify(toJson1(message));
    const again = parseJson1(new TextEncoder().encode(text));
    expect(again.events).toEqual(message.events);
    expect(again.agentId).toBe(message.agentId);
  }
});

it("picket-message: every event has an id of its own, the same in every copy", () => {
  const ids = messages.flatMap((bytes) => decodePicket(bytes).events.map(({ id }) => id));
  const perCapture = new Set(ids).size;
  expect(perCapture).toBeGreaterThan(10);
  for (const bytes of messages) {
    const events = decodePicket(bytes).events;
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(decodePicket(bytes.slice()).events).toEqual(events);
  }
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
});

it("picket-message: a message that is cut off anywhere ends in one line", () => {
  const sample = messages.filter(({ length }) => length < 2000).slice(0, 10);
  for (const bytes of sample) {
    for (let end = 0; end < bytes.length; end++) {
      expect(() => decodePicket(bytes.subarray(0, end))).toThrow(WireError);
    }
  }
});

it("picket-message: damaged bytes are read or end in one line, never otherwise", () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.nat(), damage, (which, edits) => {
      const bytes = Uint8Array.from(messages[which % messages.length] as Uint8Array);
      for (const [at, value] of edits) bytes[at % bytes.length] = value;
      try {
        decodePicket(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
        expect((error as Error).message).not.toContain("\n");
      }
    }),
    { numRuns: 5000 },
  );
});

it("picket-message: lengths that promise more than there is allocate nothing for it", () => {
  const head = "d9d9f79f0148010203040506070801 00 00".replaceAll(" ", "");
  for (const tail of [
    "9affffffff",
    "9bffffffffffffffff",
    "5bffffffffffffffff",
    "bbffffffffffffffff",
  ]) {
    expect(() => decodePicket(Buffer.from(head + tail, "hex"))).toThrow(WireError);
  }
});

it("picket-message: an event without a wall clock has none, with its uptime beside it", async () => {
  const { wasm } = await buildCore();
  const test = agentOn(wasm, { wallS: 0 });
  test.clock.wallS = 0;
  test.clock.nowMs = 4000;
  test.offer(OUT, ipv4({ from: "10.0.0.1", to: "10.0.0.2", protocol: UDP, payload: udp(1, 2) }));
  const [event] = test.collect().filter(({ name }) => name === "NetworkActivity");
  expect(event).toMatchObject({ timeMs: null, extraDetails: { UptimeSeconds: "4" } });
});

it("picket-message: flows are exact at the ends of their fields", async () => {
  const { wasm } = await buildCore();
  const test = agentOn(wasm);
  const ports = [0, 1, 23, 24, 255, 256, 32_767, 32_768, 65_535];
  const hosts = ["0.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.3", "223.255.255.255"];
  const expected = hosts.flatMap((to) => ports.map((port) => ({ to, port, local: 65_535 - port })));
  for (const { to, port, local } of expected) {
    test.offer(OUT, ipv4({ from: "10.0.0.1", to, protocol: UDP, payload: udp(local, port) }));
    test.offer(IN, ipv4({ from: to, to: "10.0.0.1", protocol: UDP, payload: udp(port, local, 9) }));
    test.poll();
  }
  const flows = test
    .collect()
    .flatMap((event) => (event.name === "NetworkActivity" ? event.payload : []));
  expect(
    flows.map(({ remoteAddress, remotePort, localPort, bytesIn, bytesOut }) =>
      [remoteAddress, remotePort, localPort, bytesIn, bytesOut].join(),
    ),
  ).toEqual(expected.map(({ to, port, local }) => [to, port, local, 17, 8].join()));
});

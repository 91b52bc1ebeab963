/** Module twins in the whole agent. */
import { describe, expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import { type Agent, createAgent } from "../host/agent.ts";
import { readReported } from "../host/twin.ts";
import { decodeMessage } from "../wire/decode.ts";
import { TWIN_OBJECT } from "../wire/twin-properties.ts";

const { wasm } = await buildCore({ MESSAGE_BYTES_MAX: 16_384 });

function start(): { agent: Agent; reports: Uint8Array[]; messages: Uint8Array[] } {
  const reports: Uint8Array[] = [];
  const messages: Uint8Array[] = [];
  const agent = createAgent({
    wasm,
    agentId: new Uint8Array(8),
    seed: 0,
    nowMs: 0,
    wallS: 0,
    publish: (_, bytes) => messages.push(bytes),
    report: (json) => reports.push(json),
  });
  return { agent, reports, messages };
}

function document(settings: Readonly<Record<string, unknown>>): Uint8Array {
  const wrapped = Object.entries(settings).map(([name, value]) => [name, { value }]);
  return Buffer.from(JSON.stringify({ desired: { [TWIN_OBJECT]: Object.fromEntries(wrapped) } }));
}

describe("twin in the agent", () => {
  it("twin: the effective values are reported at the first poll, once", () => {
    const { agent, reports } = start();
    for (let nowMs = 0; nowMs < 5000; nowMs += 1000) agent.poll(nowMs, 0);
    expect(reports.length).toBe(1);
    const { effective } = readReported(reports[0] as Uint8Array);
    expect(effective).toMatchObject({ snapshotFrequency: "PT13H", maxMessageSizeInBytes: 16_384 });
  });

  it("twin: ConfigurationError switched off makes no event of faults", () => {
    const { agent, messages } = start();
    expect(agent.twin(document({ eventPriorityConfigurationError: "Off" }))).toBe(0);
    const before = agent.snapshot();
    expect(agent.twin(document({ eventPriorityLogin: 5 }))).toBe(1);
    expect(agent.snapshot().length).toBe(before.length);
    for (let nowMs = 0; nowMs < 600_000; nowMs += 60_000) agent.poll(nowMs, 0);
    expect(messages.length).toBe(0); // Nothing of high priority either: no traffic.
  });

  it("twin: each faulty property is an event that names it and what is used", () => {
    const { agent, messages } = start();
    const settings = { eventPriorityLogin: 5, maxMessageSizeInBytes: 1, snapshotFrequency: "1h" };
    const flat = JSON.parse(Buffer.from(document(settings)).toString());
    flat.desired.Process_Disabled = "perhaps";
    expect(agent.twin(Buffer.from(JSON.stringify(flat)))).toBe(4);
    agent.flush(1);
    agent.poll(1000, 0);
    const events = messages.flatMap((bytes) => decodeMessage(bytes).events);
    const errors = events.flatMap((event) =>
      event.name === "ConfigurationError" ? event.payload : [],
    );
    expect(
      errors.map(({ configurationName, errorType, usedConfiguration }) => [
        configurationName,
        errorType,
        usedConfiguration,
      ]),
    ).toEqual([
      ["snapshotFrequency", "TypeMismatch", "PT13H"],
      ["maxMessageSizeInBytes", "TypeMismatch", "16384"],
      ["eventPriorityLogin", "TypeMismatch", "High"],
      ["Process_Disabled", "TypeMismatch", "Low"],
    ]);
  });

  it("twin: messages come at the new interval after a change", () => {
    const { agent, messages } = start();
    agent.poll(0, 0);
    expect(agent.twin(document({ lowPriorityMessageFrequency: "PT30S" }))).toBe(0);
    for (let nowMs = 0; nowMs <= 31_000; nowMs += 1000) agent.poll(nowMs, 0);
    expect(messages.length).toBeGreaterThan(0);
  });
});

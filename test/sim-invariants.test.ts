import { beforeAll, describe, expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import { createCore } from "../sim/core.ts";
import { createLedger } from "../sim/ledger.ts";

/** Messages of a board that sends one every ten seconds; each is acknowledged. */
let messages: Uint8Array[];

beforeAll(async () => {
  const { wasm } = await buildCore({ STORE_FLASH: 0 });
  messages = [];
  const sent: number[] = [];
  const core = createCore({
    wasm,
    agentId: new Uint8Array(8),
    seed: 1,
    intervals: { highMs: 10_000, lowMs: 10_000, snapshotMs: 10_000 },
    nowMs: 0,
    wallS: 1_767_225_600,
    publish(id, bytes) {
      messages.push(bytes);
      sent.push(id);
    },
  });
  for (let nowMs = 0; nowMs < 300_000; nowMs += 1000) {
    core.poll(nowMs, 1_767_225_600 + nowMs / 1000);
    for (const id of sent.splice(0)) core.published(id, true);
  }
});

describe("ledger", () => {
  it("ledger: finds nothing wrong with messages that arrive once and in order", () => {
    const ledger = createLedger(4096);
    for (const bytes of messages) {
      ledger.published(bytes);
      ledger.arrived(bytes);
      ledger.settled(bytes, true, 0);
    }
    expect(messages.length).toBeGreaterThan(20);
    expect(ledger.violations).toEqual([]);
    expect(ledger.missing()).toBe(0);
    expect(ledger.counts.repeats).toBe(0);
  });

  it("ledger: order and repeats before an acknowledgement are no fault", () => {
    const ledger = createLedger(4096);
    for (const bytes of [...messages].reverse()) {
      ledger.published(bytes);
      ledger.arrived(bytes);
      ledger.settled(bytes, false, 0);
      ledger.published(bytes);
      ledger.arrived(bytes);
      ledger.settled(bytes, true, 0);
    }
    expect(ledger.violations).toEqual([]);
    expect(ledger.missing()).toBe(0);
    expect(ledger.counts.repeats).toBe(ledger.counts.events);
  });

  it("ledger: counts the events of a message that never arrives as missing", () => {
    const ledger = createLedger(4096);
    for (const [i, bytes] of messages.entries()) if (i !== 5) ledger.arrived(bytes);
    expect(ledger.missing()).toBeGreaterThan(0);
  });

  it("ledger: a message that is sent again after its acknowledgement is a fault", () => {
    const ledger = createLedger(4096);
    const bytes = messages[3] as Uint8Array;
    ledger.settled(bytes, true, 0);
    ledger.published(bytes);
    expect(ledger.violations[0]).toMatch(/sent again after its acknowledgement/);
  });

  it("ledger: a message at the limit passes, one byte more does not", () => {
    const bytes = messages[0] as Uint8Array;
    const fits = createLedger(bytes.length);
    fits.published(bytes);
    expect(fits.violations).toEqual([]);
    const small = createLedger(bytes.length - 1);
    small.published(bytes);
    expect(small.violations[0]).toMatch(/allowed are/);
  });

  it("ledger: a damaged message is a fault, and no crash", () => {
    const ledger = createLedger(4096);
    const damaged = Uint8Array.from(messages[0] as Uint8Array).fill(0xff, 20);
    expect(ledger.arrived(damaged)).toBeUndefined();
    ledger.published(damaged);
    expect(ledger.violations[0]).toMatch(/does not decode/);
  });

  it("ledger: what was acknowledged may come again after a restart of a damaged flash only", () => {
    for (const isDamaged of [false, true]) {
      const ledger = createLedger(4096, true);
      for (const bytes of messages) ledger.settled(bytes, true, 0);
      if (isDamaged) ledger.damaged();
      ledger.restarted("power");
      ledger.published(messages[3] as Uint8Array);
      expect(ledger.violations.length > 0).toBe(!isDamaged);
    }
  });
});

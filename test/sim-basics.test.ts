import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { durationMs, durationText } from "../sim/duration.ts";
import { createPrng } from "../sim/prng.ts";
import { createScheduler } from "../sim/scheduler.ts";

describe("prng", () => {
  it("prng: gives the numbers that it gave before at the same seed", () => {
    const random = createPrng(42);
    // Fixed: a change of them changes every run that anyone has noted down.
    expect(Array.from({ length: 4 }, () => random.next())).toMatchInlineSnapshot(`
      [
        3245605925,
        363014582,
        872434159,
        96161312,
      ]
    `);
  });

  it("prng: a fork does not depend on what was drawn before", () => {
    const fresh = createPrng(7);
    const used = createPrng(7);
    for (let i = 0; i < 100; i++) used.next();
    expect(used.fork("a").next()).toBe(fresh.fork("a").next());
    expect(fresh.fork("a").next()).not.toBe(fresh.fork("b").next());
  });

  it("prng: stays within its limits for any seed", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, limit) => {
        const random = createPrng(seed);
        for (let i = 0; i < 20; i++) {
          const value = random.below(limit);
          expect(Number.isInteger(value) && value >= 0 && value < limit).toBe(true);
        }
        expect(random.chance(0)).toBe(false);
        expect(random.chance(1)).toBe(true);
      }),
    );
  });
});

describe("scheduler", () => {
  it("scheduler: runs deadlines in the order of their times, equal ones as they came", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 200 }), (times) => {
        const scheduler = createScheduler();
        const ran: [number, number][] = [];
        for (const [i, time] of times.entries()) {
          scheduler.at(time, () => {
            expect(scheduler.nowMs).toBe(time);
            ran.push([time, i]);
          });
        }
        scheduler.run(50);
        const sorted = times.map((time, i): [number, number] => [time, i]);
        sorted.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
        expect(ran).toEqual(sorted);
      }),
    );
  });

  it("scheduler: leaves what is later than the end, and what is past counts as now", () => {
    const scheduler = createScheduler();
    const ran: number[] = [];
    scheduler.at(11, () => ran.push(11));
    scheduler.at(5, () => scheduler.at(1, () => ran.push(scheduler.nowMs)));
    scheduler.run(10);
    expect(ran).toEqual([5]);
    expect(scheduler.nowMs).toBe(10);
    expect(scheduler.nextMs()).toBe(11);
  });
});

describe("durations", () => {
  it("duration: is read in all units, with and without fraction and sign", () => {
    expect(["250ms", "10s", "1.5m", "2h", "1d", "-1h"].map(durationMs)).toEqual([
      250, 10_000, 90_000, 7_200_000, 86_400_000, -3_600_000,
    ]);
    for (const text of ["", "10", "s", "1e3s", "10 s", "PT10S"]) {
      expect(() => durationMs(text)).toThrow(/no duration/);
    }
  });

  it("duration: text and number agree", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999 }), (ms) => {
        expect(durationMs(durationText(ms))).toBe(ms);
      }),
    );
  });
});

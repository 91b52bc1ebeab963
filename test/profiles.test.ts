import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MACHINES, type MachineName } from "../boards/firmware/machines.ts";
import { memoryBytes, partitionAddress, sectorsOf } from "../boards/geometry.ts";
import { listBoards, loadBoard, parseProfile, profilePath } from "../boards/profile.ts";
import type { BoardProfile, Memory } from "../boards/profile-fields.ts";

const GUIDE_BOARDS = [
  "atsame54-xpro",
  "b-l475e-iot01a",
  "b-l4s5i-iot01a",
  "mimxrt1060-evk",
  "mxchip-az3166",
  "rx65n-cloud-kit",
  "stm32f746g-disco",
];

type Draft = { -readonly [K in keyof BoardProfile]: BoardProfile[K] };

/** The MXChip's profile with something changed. */
function changed(change: (draft: Draft) => void): string {
  const draft = JSON.parse(readFileSync(profilePath("mxchip-az3166"), "utf8"));
  change(draft);
  return JSON.stringify(draft);
}

const withPartition = (name: string, part: object) =>
  changed((draft) => {
    const all = draft.partitions as unknown as Record<string, object>;
    draft.partitions = { ...all, [name]: { ...all[name], ...part } } as never;
  });

describe("profiles", () => {
  it("profiles: every board of the guides and every QEMU machine is there", () => {
    expect(listBoards()).toEqual([...GUIDE_BOARDS, ...Object.keys(MACHINES)].sort());
  });

  it.each(listBoards())("profiles: %s is sound and named as its file", (name) => {
    expect(loadBoard(name).name).toBe(name);
    expect(loadBoard(name.toUpperCase()).name).toBe(name);
  });

  it.each(listBoards())("profiles: slots of %s hold the largest module accepted", (name) => {
    const { partitions } = loadBoard(name);
    expect(partitions.core_a.bytes).toBeGreaterThan(20 * 1024);
  });

  it.each(Object.keys(MACHINES) as MachineName[])(
    "profiles: %s is as its firmware has it",
    (name) => {
      const profile = loadBoard(name);
      const machine = MACHINES[name];
      const region = (partition: keyof BoardProfile["partitions"]) => ({
        origin: partitionAddress(profile, partition),
        bytes: profile.partitions[partition].bytes,
      });
      expect(profile).toMatchObject({ cpu: machine.cpu, clock_hz: machine.clockHz });
      expect(profile.ram_bytes).toBe(machine.ram.bytes);
      expect(region("firmware")).toEqual(machine.firmware);
      expect([region("core_a"), region("core_b")]).toEqual(machine.slots);
      expect(region("store")).toEqual(machine.store);
    },
  );

  it("profiles: an unknown board is one line that names those there are", () => {
    expect(() => loadBoard("az3167")).toThrow(/^unknown board "az3167"; there are atsame54.*$/);
    expect(() => loadBoard("no/such.json")).toThrow("no/such.json: ENOENT");
  });

  it.each([
    ["no JSON", "{", /no JSON/],
    ["a field too many", changed((d) => Object.assign(d, { colour: 1 })), /colour/],
    ["a field too few", changed((d) => Reflect.deleteProperty(d, "ram_bytes")), /ram_bytes/],
    ["another back end", changed((d) => Object.assign(d, { backend: "jit" })), /wasm3, aot/],
    ["a memory too small", changed((d) => Object.assign(d, { ram_bytes: 16_383 })), /16384/],
    [
      "an unknown option",
      changed((d) => Object.assign(d, { options: { X: 1 } })),
      /unknown option X/,
    ],
    [
      "an option out of range",
      changed((d) => Object.assign(d, { options: { RING_SLOTS: 2 } })),
      /RING_SLOTS/,
    ],
    [
      "a figure without source",
      changed((d) => Reflect.deleteProperty(d.sources, "clock_hz")),
      /no source for clock_hz/,
    ],
    [
      "a source of nothing",
      changed((d) => Object.assign(d.sources, { weight: "a kitchen scale" })),
      /weight, which is no figure/,
    ],
    [
      "a budget above the RAM",
      changed((d) => Object.assign(d, { agent_ram_bytes: 300_000 })),
      /agent_ram_bytes/,
    ],
    ["a memory that is not there", withPartition("store", { memory: "tape" }), /no memory tape/],
    ["half a sector", withPartition("core_a", { offset: 720_896 }), /not whole sectors/],
    ["an end within a sector", withPartition("core_a", { bytes: 131_071 }), /not whole sectors/],
    ["an end outside", withPartition("core_b", { offset: 1_048_576 }), /outside internal/],
    ["an overlap", withPartition("core_b", { offset: 786_432 }), /core_a and core_b overlap/],
    [
      "slots of two sizes",
      withPartition("core_a", { memory: "spi", offset: 65_536, bytes: 65_536 }),
      /core_a has 65536/,
    ],
    [
      "unequal sectors",
      changed((d) => {
        Object.assign(d.partitions.firmware, { offset: 131_072, bytes: 655_360 });
        Object.assign(d.partitions.store, { memory: "internal", offset: 0, bytes: 131_072 });
      }),
      /unequal/,
    ],
    ["a store too small", withPartition("store", { bytes: 3 * 4096 }), /3 sectors/],
  ])("profiles: %s is refused in one line", (_what, json, message) => {
    expect(() => parseProfile(json, "own.json")).toThrow(message);
    expect(() => parseProfile(json, "own.json")).toThrow(/^own\.json: [^\n]*$/);
  });

  it("profiles: sectors of a range are found for every pair of boundaries", () => {
    const memory: Memory = {
      origin: "0x00000000",
      program_bytes: 1,
      sectors: [
        { bytes: 3, count: 2 },
        { bytes: 5, count: 1 },
        { bytes: 2, count: 4 },
      ],
    };
    const ends = [0, 3, 6, 11, 13, 15, 17, 19];
    expect(memoryBytes(memory)).toBe(19);
    fc.assert(
      fc.property(fc.nat(19), fc.integer({ min: 1, max: 20 }), (offset, bytes) => {
        const found = sectorsOf(memory, offset, bytes);
        const isWhole = ends.includes(offset) && ends.includes(offset + bytes);
        expect(found !== undefined).toBe(isWhole);
        if (found !== undefined) expect(found.reduce((a, b) => a + b, 0)).toBe(bytes);
      }),
    );
  });
});

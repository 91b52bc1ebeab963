/** The budgets of the agent: what is measured, what was accepted, and what it replaces. */

export interface Figures {
  readonly instructions: {
    readonly packetPath: number;
    readonly perPacketAot: number;
    readonly perPacketWasm3: number;
    readonly collect64Aot: number;
    readonly collect64Wasm3: number;
  };
  readonly agentAot: { readonly flash: number; readonly ram: number };
  readonly imageWasm3: { readonly flash: number; readonly ram: number };
  readonly wasmBytes: { readonly base: number; readonly full: number };
  readonly messageBytes: { readonly heartbeat: number; readonly perFlow: number };
}

export interface Budget {
  /** Path in Figures. */
  readonly path: string;
  readonly what: string;
  /** Of the agent that Picket replaces, as measured; "-": it has nothing like it. */
  readonly replaced: string;
  readonly accepted: number;
  readonly aim: number;
}

const KIB = 1024;

export const BUDGETS: readonly Budget[] = [
  {
    path: "instructions.packetPath",
    what: "instructions, packet path in the network thread, any flow",
    replaced: "201 / 221 (out / in)",
    accepted: 90,
    aim: 50,
  },
  {
    path: "instructions.perPacketAot",
    what: "instructions, all work per packet of a known IPv4 TCP flow, ahead of time (-O2)",
    replaced: "201 / 221",
    accepted: 380,
    aim: 200,
  },
  {
    path: "instructions.perPacketWasm3",
    what: "the same under wasm3",
    replaced: "-",
    accepted: 3500,
    aim: 2000,
  },
  {
    path: "instructions.collect64Aot",
    what: "instructions, collect, encode and hand over 64 IPv4 flows, ahead of time",
    replaced: "117,994",
    accepted: 64_000,
    aim: 32_000,
  },
  {
    path: "instructions.collect64Wasm3",
    what: "the same under wasm3",
    replaced: "-",
    accepted: Number.POSITIVE_INFINITY,
    aim: Number.POSITIVE_INFINITY,
  },
  {
    path: "agentAot.flash",
    what: "flash, agent of equal features, ahead of time, without libc, B",
    replaced: "19,321",
    accepted: 15_000,
    aim: 10_000,
  },
  {
    path: "agentAot.ram",
    what: "RAM, the same, 64 + 64 flows, B",
    replaced: "23,596",
    accepted: 13_000,
    aim: 9000,
  },
  {
    path: "wasmBytes.base",
    what: "core.wasm, equal features, B",
    replaced: "-",
    accepted: 8 * KIB,
    aim: 5 * KIB,
  },
  {
    path: "wasmBytes.full",
    what: "core.wasm, everything, B",
    replaced: "-",
    accepted: 20 * KIB,
    aim: 12 * KIB,
  },
  {
    path: "imageWasm3.flash",
    what: "flash, whole firmware image with wasm3 and the equal-features core, B",
    replaced: "-",
    accepted: 72 * KIB,
    aim: 56 * KIB,
  },
  {
    path: "imageWasm3.ram",
    what: "RAM, the same, B",
    replaced: "-",
    accepted: 44 * KIB,
    aim: 28 * KIB,
  },
  {
    path: "messageBytes.heartbeat",
    what: "message of a heartbeat alone, B",
    replaced: "130",
    accepted: 40,
    aim: 28,
  },
  {
    path: "messageBytes.perFlow",
    what: "each further IPv4 flow in a message, B",
    replaced: "32 to 40",
    accepted: 18,
    aim: 12,
  },
];

/** Growth from one run to the next that is an error. */
export const GROWTH_MAX = 0.02;

/** A figure by its path. */
export function figureAt(figures: Figures, path: string): number {
  const [group = "", name = ""] = path.split(".");
  const value = (figures as unknown as Record<string, Record<string, number>>)[group]?.[name];
  if (value === undefined) throw new Error(`figures have no ${path}`);
  return value;
}

/** One line for each figure that has grown too much. */
export function findGrowth(before: Figures, now: Figures): string[] {
  return BUDGETS.flatMap(({ path, what }) => {
    const [old, value] = [figureAt(before, path), figureAt(now, path)];
    if (value <= old * (1 + GROWTH_MAX)) return [];
    const percent = ((value / old - 1) * 100).toFixed(1);
    return [`${path}: ${old} -> ${value}, ${percent} % more than before: ${what}`];
  });
}

/** One line for each figure above what was accepted. */
export function findOverBudget(now: Figures): string[] {
  return BUDGETS.flatMap(({ path, what, accepted }) => {
    const value = figureAt(now, path);
    return value <= accepted ? [] : [`${path}: ${value} of ${accepted}: ${what}`];
  });
}

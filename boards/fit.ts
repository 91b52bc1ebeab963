/**
 * The largest caches that fit a board: flow tables and store grow together, in the proportions of
 * the board's profile, then what is left goes to the flow tables and the store one by one. Sizes
 * are guessed from few builds and each guess is built: the answer is what was built and measured.
 */
import { BoardError } from "./board-error.ts";
import { buildCore } from "./build.ts";
import { measureCore } from "./core-size.ts";
import { type Footprint, measureFootprint } from "./footprint.ts";
import { OPTIONS, type OptionName, type Options, resolveOptions } from "./options.ts";
import { storeBytesMin } from "./options-check.ts";
import type { BoardProfile } from "./profile-fields.ts";

/** What grows: in this order when the last bytes are given away. */
export const CACHES = ["FLOW_SLOTS_IPV4", "FLOW_SLOTS_IPV6", "STORE_BYTES"] as const;
type Cache = (typeof CACHES)[number];

/** Scales are tried in this step. */
const SCALE_STEP = 1 / 64;
const SCALE_MAX = 8192;
const ALIGNMENT = 8;

export interface Fit {
  readonly options: Options;
  readonly footprint: Footprint;
  /** Bytes of RAM that no cache could use. */
  readonly spareBytes: number;
  /** Cores that were built. */
  readonly builds: number;
}

interface Search {
  readonly base: Options;
  /** Most linear memory. */
  readonly roomBytes: number;
  builds: number;
  readonly known: Map<string, number>;
}

function scaled(base: Options, scale: number): Options {
  const options: Record<OptionName, number> = { ...base };
  for (const name of CACHES) options[name] = limited(name, base[name], base[name] * scale);
  options.STORE_BYTES = Math.max(options.STORE_BYTES, storeBytesMin(base.EVENT_BYTES_MAX));
  return options;
}

/** 0 stays 0: what is left out stays left out. */
function limited(name: Cache, base: number, value: number): number {
  const { min, max } = OPTIONS[name];
  if (base === 0) return 0;
  const whole = name === "STORE_BYTES" ? Math.floor(value / 4) * 4 : Math.floor(value);
  return Math.min(Math.max(whole, name === "FLOW_SLOTS_IPV6" ? 1 : min), max);
}

async function memoryOf(search: Search, options: Options): Promise<number> {
  const key = CACHES.map((name) => options[name]).join();
  let bytes = search.known.get(key);
  if (bytes === undefined) {
    search.builds += 1;
    bytes = measureCore((await buildCore(options)).wasm).memoryBytes;
    search.known.set(key, bytes);
  }
  return bytes;
}

/**
 * The largest count that fits, between one that does and one that does not: guessed by a straight
 * line through what is known, halved when the line does not help.
 */
async function largest(
  low: number,
  high: number,
  room: number,
  bytesOf: (count: number) => Promise<number>,
): Promise<number> {
  let fits = low;
  let fitsBytes = await bytesOf(low);
  if ((await bytesOf(high)) <= room) return high;
  let fails = high;
  let failsBytes = await bytesOf(high);
  for (let turn = 0; fails - fits > 1; turn++) {
    const slope = (failsBytes - fitsBytes) / (fails - fits);
    const guess =
      turn % 3 === 2 ? (fits + fails) / 2 : fits + Math.max(1, (room - fitsBytes) / slope);
    const count = Math.min(Math.max(Math.floor(guess), fits + 1), fails - 1);
    const bytes = await bytesOf(count);
    if (bytes <= room) {
      fits = count;
      fitsBytes = bytes;
    } else {
      fails = count;
      failsBytes = bytes;
    }
  }
  return fits;
}

async function searchLargest(search: Search): Promise<Options> {
  const { base, roomBytes } = search;
  const smallest = scaled(base, 0);
  const leastBytes = await memoryOf(search, smallest);
  if (leastBytes > roomBytes) {
    throw new BoardError(
      `the smallest caches need ${leastBytes} bytes of linear memory, ${roomBytes} are left: leave collectors out or raise --ram`,
    );
  }
  const steps = await largest(0, largestScale(search) / SCALE_STEP, roomBytes, (count) =>
    memoryOf(search, scaled(base, count * SCALE_STEP)),
  );
  let options = scaled(base, steps * SCALE_STEP);
  for (const name of CACHES) {
    if (base[name] === 0) continue;
    const unit = name === "STORE_BYTES" ? 4 : 1;
    const from = options[name];
    const spare = roomBytes - (await memoryOf(search, options));
    const most = Math.min(OPTIONS[name].max, from + spare + unit);
    const grown = await largest(0, Math.floor((most - from) / unit), roomBytes, (count) =>
      memoryOf(search, { ...options, [name]: from + count * unit }),
    );
    options = { ...options, [name]: from + grown * unit };
  }
  return options;
}

/** A scale that surely does not fit, or at which every cache has its largest size. */
function largestScale({ base, roomBytes }: Search): number {
  const bytes = base.STORE_BYTES + base.FLOW_SLOTS_IPV4 * 32 + base.FLOW_SLOTS_IPV6 * 32;
  return Math.min(Math.ceil((2 * roomBytes) / bytes), SCALE_MAX);
}

/**
 * @param profile with the budget in `agent_ram_bytes` and `agent_flash_bytes`
 * @throws BoardError with one line when not even the smallest caches fit
 */
export async function fitBoard(
  profile: BoardProfile,
  onProgress?: (text: string) => void,
): Promise<Fit> {
  const base = resolveOptions(profile.options);
  const whole = await measureFootprint(profile, { withCosts: false, onProgress });
  checkFlash(whole);
  // All else that takes RAM, as measured; corrected when larger caches change it.
  let otherBytes = whole.total.ram - whole.core.memoryBytes;
  const known = new Map<string, number>();
  let builds = 1;
  for (;;) {
    const roomBytes = Math.floor((profile.agent_ram_bytes - otherBytes) / ALIGNMENT) * ALIGNMENT;
    if (roomBytes <= 0) {
      throw new BoardError(
        `${profile.name}: the agent takes ${otherBytes} bytes of RAM beside its memory, the budget is ${profile.agent_ram_bytes}: leave collectors out, take --backend aot or raise --ram`,
      );
    }
    onProgress?.(`searching caches for ${roomBytes} bytes`);
    const search: Search = { base, roomBytes, builds: 0, known };
    const options = await searchLargest(search);
    builds += search.builds;
    const fitted = { ...profile, options: differing(options) };
    const footprint = await measureFootprint(fitted, { withCosts: false, onProgress });
    const spareBytes = profile.agent_ram_bytes - footprint.total.ram;
    if (spareBytes >= 0) {
      checkFlash(footprint);
      return { options, footprint, spareBytes, builds };
    }
    otherBytes = footprint.total.ram - footprint.core.memoryBytes;
  }
}

function checkFlash({ board, total, budget }: Footprint): void {
  if (total.flash <= budget.flash) return;
  throw new BoardError(
    `${board}: flash: ${total.flash} of ${budget.flash} bytes, and caches take none: see \`picket config ${board}\` for what to leave out, or raise --flash`,
  );
}

/** Options that are not at their defaults. */
export function differing(options: Options): Record<string, number> {
  const entries = Object.entries(options) as [OptionName, number][];
  return Object.fromEntries(entries.filter(([name, value]) => value !== OPTIONS[name].default));
}

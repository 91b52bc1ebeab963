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
/** Corrections of what all else takes. */
const TURNS_MAX = 6;

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

/** What `largest` searches in. */
interface Range {
  /** Fits; its bytes are known. */
  readonly low: number;
  readonly high: number;
  readonly room: number;
  /** Bytes of one more, as far as they are known. */
  readonly slope: number;
}

/**
 * The largest count that fits: guessed along a straight line through what was built, halved in
 * between, until a count fits and the next one does not.
 */
async function largest(
  { low, high, room, slope: given }: Range,
  bytesOf: (count: number) => Promise<number>,
): Promise<number> {
  let fits = low;
  let fitsBytes = await bytesOf(low);
  let fails = high + 1;
  let slope = given;
  for (let turn = 0; fails - fits > 1; turn++) {
    const step = turn % 4 === 3 ? (fails - fits) / 2 : (room - fitsBytes) / slope;
    const count = Math.min(fits + Math.max(1, Math.floor(step)), fails - 1);
    const bytes = await bytesOf(count);
    slope = Math.max((bytes - fitsBytes) / (count - fits), Number.EPSILON);
    if (bytes <= room) {
      fits = count;
      fitsBytes = bytes;
    } else {
      fails = count;
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
  const high = SCALE_MAX / SCALE_STEP;
  const slope = ((await memoryOf(search, scaled(base, 1))) - leastBytes) * SCALE_STEP;
  const steps = await largest(
    { low: 0, high, room: roomBytes, slope: Math.max(slope, Number.EPSILON) },
    (count) => memoryOf(search, scaled(base, count * SCALE_STEP)),
  );
  let options = scaled(base, steps * SCALE_STEP);
  for (const name of CACHES) {
    if (base[name] === 0) continue;
    const unit = name === "STORE_BYTES" ? 4 : 1;
    const from = options[name];
    const most = Math.floor((OPTIONS[name].max - from) / unit);
    const before = options;
    const spare = roomBytes - (await memoryOf(search, before));
    // One flow more hardly ever fits; the store takes what is left.
    const each = name === "STORE_BYTES" ? unit : Math.max(spare, 1);
    const grown = await largest({ low: 0, high: most, room: roomBytes, slope: each }, (count) =>
      memoryOf(search, { ...before, [name]: from + count * unit }),
    );
    options = { ...before, [name]: from + grown * unit };
  }
  return options;
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
  for (let turn = 0; turn < TURNS_MAX; turn++) {
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
  throw new BoardError(`${profile.name}: sizes do not settle: give the caches with --set`);
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

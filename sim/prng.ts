/**
 * The simulator's only randomness: seeded, integers alone, the same on every machine.
 * Generator: sfc32 (Small Fast Counting, Chris Doty-Humphrey, PractRand).
 */

export interface Prng {
  /** A number of 0 to 2^32 - 1. */
  next(): number;
  /** A whole number of 0 to `limit - 1`; `limit` is 1 to 2^32. */
  below(limit: number): number;
  /** A whole number of `least` to `most`, both included. */
  between(least: number, most: number): number;
  /** True with this probability, 0 to 1. */
  chance(probability: number): boolean;
  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
  /** A generator of its own: the same for the same seed and label, whatever was drawn before. */
  fork(label: string): Prng;
}

const WARM_UP_ROUNDS = 12;

/** @param seed any whole number; its lower 53 bits count */
export function createPrng(seed: number): Prng {
  return fromState(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 0x5bd1e995);
}

function fromState(seedLow: number, seedHigh: number, stream: number): Prng {
  let a = seedLow | 0;
  let b = seedHigh | 0;
  let c = stream | 0;
  let counter = 1;

  function next(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit);
  for (let i = 0; i < WARM_UP_ROUNDS; i++) next();
  return {
    next,
    below,
    between: (least, most) => least + below(most - least + 1),
    chance: (probability) => probability > 0 && next() < probability * 2 ** 32,
    pick: (list) => list[below(list.length)] as (typeof list)[number],
    fork: (label) => fromState(seedLow, seedHigh ^ hashText(label), stream + hashText(label, 7)),
  };
}

/** FNV-1a of a text's UTF-16 code units, u32. */
export function hashText(text: string, start = 0): number {
  let hash = (0x811c9dc5 + start) | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

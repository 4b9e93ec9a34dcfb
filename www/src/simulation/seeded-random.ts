/** Seeded random numbers, equal on every platform. */

/** Generator of numbers in [0, 1): mulberry32 (Tommy Ettinger, 2017). */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    return mix(this.#state);
  }

  /** Returns a whole number from 0 to `end` - 1. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** Returns an exponentially distributed number with this mean. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }
}

/** Returns a number in [0, 1) that depends only on the arguments, not on earlier calls. */
export function hashed(...parts: number[]): number {
  return mix(parts.reduce((state, part) => (Math.imul(state ^ part, 0x9e3779b1) + 0x7f4a7c15) >>> 0, 0));
}

function mix(state: number): number {
  let bits = Math.imul(state ^ (state >>> 15), state | 1);
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
}

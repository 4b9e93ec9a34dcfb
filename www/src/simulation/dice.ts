/** Seeded chance: the same seed gives the same numbers, everywhere. */

/** Numbers from 0 up to 1, by mulberry32. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    return mixed(this.#state);
  }

  /** A whole number from 0 up to `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** A length of this mean, most often a shorter one: as waiting times are. */
  around(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }
}

/** One number from 0 up to 1 that depends on these alone, in whatever order they are asked for. */
export function drawn(...of: number[]): number {
  return mixed(of.reduce((state, part) => (Math.imul(state ^ part, 0x9e3779b1) + 0x7f4a7c15) >>> 0, 0));
}

function mixed(state: number): number {
  let bits = Math.imul(state ^ (state >>> 15), state | 1);
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
}

/** Runs side by side on the same traffic, kept at the same moment. */

import type { Millis } from "credential-pool/types";
import { type Goal, type Setting, Simulation, STARTS_AT } from "./simulation";

export class Match implements Disposable {
  readonly sides: readonly Simulation[];
  #now = STARTS_AT;

  /** @throws {PoolError} A pool cannot be opened. */
  constructor(settings: readonly Setting[]) {
    this.sides = settings.map((setting) => new Simulation(setting));
  }

  /** The moment that all have reached. */
  get now(): Millis {
    return this.#now;
  }

  /** Goes on until the goal is reached or there is no time left, and answers whether it is reached. */
  advance({ until, stopsAtEvent = false }: Goal, hasTime: () => boolean = () => true): boolean {
    // In short strides, so that a step to an event stops all sides at its moment.
    for (;;) {
      const end = stopsAtEvent ? Math.min(until, this.#nextAt()) : Math.min(until, this.#now + STRIDE_MS);
      const before = this.#notable();
      for (const side of this.sides) if (!side.advance({ until: end }, hasTime)) return false;
      this.#now = Math.max(this.#now, end);
      if (stopsAtEvent && this.#notable() > before) return true;
      if (this.#now >= until) return true;
      if (!hasTime()) return false;
    }
  }

  [Symbol.dispose](): void {
    for (const side of this.sides) side[Symbol.dispose]();
  }

  #nextAt(): Millis {
    return Math.min(...this.sides.map(({ nextAt }) => nextAt));
  }

  #notable(): number {
    return this.sides.reduce((sum, { recording }) => sum + recording.notable, 0);
  }
}

const STRIDE_MS = 5_000;

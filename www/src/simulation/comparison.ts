/** Comparison: runs side by side on the same traffic, kept at the same time. */

import type { Millis } from "credential-pool/types";
import { type Goal, Simulation, type SimulationSettings, STARTS_AT } from "./simulation";

/** Runs that advance together. */
export class Comparison implements Disposable {
  readonly sides: readonly Simulation[];
  #now = STARTS_AT;

  /** @throws {PoolError} A pool cannot be opened. */
  constructor(settings: readonly SimulationSettings[]) {
    this.sides = settings.map((each) => new Simulation(each));
  }

  /** Time that all runs have reached. */
  get now(): Millis {
    return this.#now;
  }

  /** Advances all runs until the goal is reached or `hasTime` returns false. Returns whether the goal is reached. */
  advance({ until, stopsAtEvent = false }: Goal, hasTime: () => boolean = () => true): boolean {
    // Short strides: a step to the next event stops all runs at the time of the event.
    for (;;) {
      const end = stopsAtEvent ? Math.min(until, this.#nextAt()) : Math.min(until, this.#now + STRIDE_MS);
      const before = this.#written();
      for (const side of this.sides) if (!side.advance({ until: end }, hasTime)) return false;
      this.#now = Math.max(this.#now, end);
      if (stopsAtEvent && this.#written() > before) return true;
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

  #written(): number {
    return this.sides.reduce((sum, { recording }) => sum + recording.written, 0);
  }
}

/** Longest time that one run is ahead of another, in ms. */
const STRIDE_MS = 5_000;

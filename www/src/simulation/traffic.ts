/** Who asks, and when: the same for every run with the same settings. */

import type { LeaseRequest, Millis } from "credential-pool/types";
import { Dice } from "./dice";

/** What traffic there is. */
export interface Traffic {
  /** The same seed gives the same requests. */
  seed: number;
  requestsPerMinute: number;
  /** Sessions whose requests stay with their credential; 0 for requests that go wherever the strategy says. */
  sessions: number;
  /** How many models are asked for. */
  models: number;
  /** How long a request takes on average, in milliseconds. */
  durationMs: Millis;
}

/** A request that somebody makes. */
export interface Arrival {
  /** Counts from 1. */
  number: number;
  at: Millis;
  request: LeaseRequest;
  /** How long the provider takes for it. */
  durationMs: Millis;
}

/** The requests of a traffic, one after the other. */
export class Arrivals {
  readonly #traffic: Traffic;
  readonly #dice: Dice;
  #next: Arrival;

  constructor(traffic: Traffic, startsAt: Millis) {
    this.#traffic = traffic;
    this.#dice = new Dice(traffic.seed);
    this.#next = this.#drawn(1, startsAt);
  }

  /** The request that comes next. */
  get next(): Arrival {
    return this.#next;
  }

  /** Takes the next request out. */
  take(): Arrival {
    const taken = this.#next;
    this.#next = this.#drawn(taken.number + 1, taken.at);
    return taken;
  }

  #drawn(number: number, after: Millis): Arrival {
    const { requestsPerMinute, sessions, models, durationMs } = this.#traffic;
    const at = after + Math.max(1, Math.round(this.#dice.around(60_000 / requestsPerMinute)));
    const request: LeaseRequest = { model: modelName(this.#dice.below(models)) };
    const session = this.#dice.below(Math.max(1, sessions));
    if (sessions > 0) request.affinity = `session ${session + 1}`;
    const length = Math.round(Math.min(Math.max(this.#dice.around(durationMs), durationMs / 4), durationMs * 4));
    return { number, at, request, durationMs: Math.max(1, length) };
  }
}

/** A model's name, by its number from 0. */
export function modelName(number: number): string {
  return `model ${number + 1}`;
}

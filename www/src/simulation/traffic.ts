/** Seeded request traffic: a Poisson process. The same settings give the same requests. */

import type { LeaseRequest, Millis } from "credential-pool/types";
import { SeededRandom } from "./seeded-random";

/** Settings of the traffic. */
export interface Traffic {
  /** Seed of the requests. */
  seed: number;
  requestsPerMinute: number;
  /** Number of sessions, each with an affinity to a credential; 0 for requests without affinity. */
  sessions: number;
  /** Number of models that are requested. */
  models: number;
  /** Mean duration of a request, in ms. */
  durationMs: Millis;
}

/** A request of the traffic. */
export interface Arrival {
  /** Number of the request, from 1. */
  number: number;
  at: Millis;
  request: LeaseRequest;
  /** Time that the provider takes to serve it. */
  durationMs: Millis;
}

/** Requests of the traffic, in order of time. */
export class Arrivals {
  readonly #traffic: Traffic;
  readonly #random: SeededRandom;
  #next: Arrival;

  constructor(traffic: Traffic, startsAt: Millis) {
    this.#traffic = traffic;
    this.#random = new SeededRandom(traffic.seed);
    this.#next = this.#draw(1, startsAt);
  }

  /** Next request. */
  get next(): Arrival {
    return this.#next;
  }

  /** Removes the next request and returns it. */
  take(): Arrival {
    const taken = this.#next;
    this.#next = this.#draw(taken.number + 1, taken.at);
    return taken;
  }

  #draw(number: number, after: Millis): Arrival {
    const { requestsPerMinute, sessions, models, durationMs } = this.#traffic;
    const at = after + Math.max(1, Math.round(this.#random.exponential(60_000 / requestsPerMinute)));
    const request: LeaseRequest = { model: modelName(this.#random.below(models)) };
    const session = this.#random.below(Math.max(1, sessions));
    if (sessions > 0) request.affinity = `session ${session + 1}`;
    const length = Math.round(Math.min(Math.max(this.#random.exponential(durationMs), durationMs / 4), durationMs * 4));
    return { number, at, request, durationMs: Math.max(1, length) };
  }
}

/** Returns the name of a model by its number, from 0. */
export function modelName(number: number): string {
  return `model ${number + 1}`;
}

/** Scripted provider: each credential has its own account with a behaviour. */

import type { Millis, Response } from "credential-pool/types";
import { type ErrorResponses, errorResponsesOf } from "./responses";
import { hashed } from "./seeded-random";
import { type Arrival, modelName } from "./traffic";

/** A numeric parameter of a behaviour. */
export interface Parameter {
  name: "count" | "from" | "minutes" | "factor" | "percent" | "model";
  label: string;
  initial: number;
  min: number;
  max: number;
}

export type BehaviourType =
  | "healthy"
  | "limited"
  | "limited_silent"
  | "quota"
  | "revoked"
  | "not_accepted"
  | "outage"
  | "model_forbidden"
  | "slow"
  | "flaky";

/** Behaviour of the provider towards one credential. */
export interface Behaviour {
  type: BehaviourType;
  /** Values of its parameters; a missing value is the initial value. */
  numbers: Partial<Record<Parameter["name"], number>>;
}

/** Time in which the provider is overloaded for all credentials. */
export interface Outage {
  fromMinute: number;
  /** Length; 0 for no outage. */
  minutes: number;
}

/** Label and parameters of a type of behaviour. */
export interface BehaviourKind {
  label: string;
  parameters: Parameter[];
}

const FROM: Parameter = { name: "from", label: "from minute", initial: 2, min: 0, max: 100_000 };
const PER_MINUTE: Parameter = { name: "count", label: "requests a minute", initial: 10, min: 0, max: 100_000 };

/** All types of behaviour, in the order in which they are offered. */
export const BEHAVIOURS: Record<BehaviourType, BehaviourKind> = {
  healthy: { label: "Serves everything", parameters: [] },
  limited: { label: "Rate limit with Retry-After", parameters: [PER_MINUTE] },
  limited_silent: { label: "Rate limit without Retry-After", parameters: [PER_MINUTE] },
  quota: {
    label: "Daily quota",
    parameters: [{ name: "count", label: "requests a day", initial: 100, min: 0, max: 1_000_000 }],
  },
  revoked: { label: "Is revoked", parameters: [FROM] },
  not_accepted: { label: "Key is not accepted", parameters: [FROM] },
  outage: {
    label: "Overloaded for a while",
    parameters: [FROM, { name: "minutes", label: "for minutes", initial: 3, min: 0, max: 100_000 }],
  },
  model_forbidden: {
    label: "One model is forbidden",
    parameters: [{ name: "model", label: "model", initial: 1, min: 1, max: 9 }],
  },
  slow: { label: "Slow", parameters: [{ name: "factor", label: "times as long", initial: 4, min: 1, max: 100 }] },
  flaky: {
    label: "Fails now and then",
    parameters: [{ name: "percent", label: "% of requests", initial: 10, min: 0, max: 100 }],
  },
};

/** Returns the value of a parameter. */
export function numberOf({ type, numbers }: Behaviour, name: Parameter["name"]): number {
  return numbers[name] ?? BEHAVIOURS[type].parameters.find((parameter) => parameter.name === name)?.initial ?? 0;
}

/** A response and its latency. */
export interface Answer {
  response: Response;
  latencyMs: Millis;
}

/** Latency of an error response, in ms. */
const ERROR_LATENCY_MS = 200;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** A provider with one account for each credential. */
export class Provider {
  readonly #errors: ErrorResponses;
  readonly #startsAt: Millis;
  readonly #behaviours: readonly Behaviour[];
  readonly #outage: Outage;
  /** Times of the recently served requests of each account, the oldest first. */
  readonly #served: Millis[][];
  readonly #perDay: { day: number; count: number }[];
  /** Expiry of the access tokens of logins, by account. */
  readonly #tokenExpiry = new Map<number, Millis>();

  constructor(poolKey: string, behaviours: readonly Behaviour[], outage: Outage, startsAt: Millis) {
    this.#errors = errorResponsesOf(poolKey);
    this.#startsAt = startsAt;
    this.#behaviours = behaviours;
    this.#outage = outage;
    this.#served = behaviours.map(() => []);
    this.#perDay = behaviours.map(() => ({ day: 0, count: 0 }));
  }

  /** Sets the expiry of an account's access token. */
  setTokenExpiry(account: number, at: Millis): void {
    this.#tokenExpiry.set(account, at);
  }

  /** Answers a request with an account; `attempt` is the number of the attempt, from 1. */
  respond(account: number, arrival: Arrival, attempt: number, now: Millis): Answer {
    const behaviour = this.#behaviours[account] ?? { type: "healthy", numbers: {} };
    const error = this.#error(account, behaviour, arrival, attempt, now);
    if (error) return { response: error, latencyMs: ERROR_LATENCY_MS };
    this.#count(account, now);
    const factor = behaviour.type === "slow" ? numberOf(behaviour, "factor") : 1;
    return { response: { status: 200 }, latencyMs: Math.max(1, Math.round(arrival.durationMs * factor)) };
  }

  #error(account: number, behaviour: Behaviour, arrival: Arrival, attempt: number, now: Millis): Response | null {
    const minute = (now - this.#startsAt) / MINUTE;
    const { fromMinute, minutes } = this.#outage;
    if (minute >= fromMinute && minute < fromMinute + minutes) return this.#errors.overloaded();
    if (now >= (this.#tokenExpiry.get(account) ?? Infinity)) return this.#errors.expired();
    const number = (name: Parameter["name"]): number => numberOf(behaviour, name);
    switch (behaviour.type) {
      case "healthy":
      case "slow":
        return null;
      case "limited":
      case "limited_silent": {
        const waitMs = this.#windowLeft(account, number("count"), now);
        return waitMs === null ? null : this.#errors.limited(behaviour.type === "limited" ? waitMs : null);
      }
      case "quota":
        return this.#today(account, now).count < number("count") ? null : this.#errors.noCredit();
      case "revoked":
        return minute < number("from") ? null : this.#errors.revoked();
      case "not_accepted":
        return minute < number("from") ? null : this.#errors.notAccepted();
      case "outage": {
        const from = number("from");
        return minute >= from && minute < from + number("minutes") ? this.#errors.overloaded() : null;
      }
      case "model_forbidden": {
        const model = modelName(number("model") - 1);
        return arrival.request.model === model ? this.#errors.modelForbidden(model) : null;
      }
      case "flaky": {
        const isDown = hashed(arrival.number, attempt, account) * 100 < number("percent");
        return isDown ? this.#errors.failed() : null;
      }
    }
  }

  /** Returns the time until an account's sliding minute has room for a request, in ms; null if it has room now. */
  #windowLeft(account: number, limit: number, now: Millis): Millis | null {
    const served = this.#servedBy(account);
    while (served[0] !== undefined && served[0] <= now - MINUTE) served.shift();
    if (served.length < limit) return null;
    return (served[served.length - limit] ?? now) + MINUTE - now;
  }

  #count(account: number, now: Millis): void {
    const { type } = this.#behaviours[account] ?? { type: "healthy" };
    if (type === "limited" || type === "limited_silent") this.#servedBy(account).push(now);
    if (type === "quota") this.#today(account, now).count += 1;
  }

  #servedBy(account: number): Millis[] {
    return (this.#served[account] ??= []);
  }

  #today(account: number, now: Millis): { day: number; count: number } {
    const day = Math.floor((now - this.#startsAt) / DAY);
    const today = this.#perDay[account];
    if (today?.day === day) return today;
    return (this.#perDay[account] = { day, count: 0 });
  }
}

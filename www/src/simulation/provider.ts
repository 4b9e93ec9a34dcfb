/** The scripted provider: what it grants each credential, and what it answers. */

import type { Millis, Response } from "credential-pool/types";
import { type Wording, wordingOf } from "./answers";
import { drawn } from "./dice";
import { type Arrival, modelName } from "./traffic";

/** What a behaviour's number means. */
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
  | "barred"
  | "slow"
  | "flaky";

/** How the provider treats one credential. */
export interface Behaviour {
  type: BehaviourType;
  /** The numbers of its parameters; what is left out has its initial one. */
  numbers: Partial<Record<Parameter["name"], number>>;
}

/** When all credentials meet an overloaded provider. */
export interface Outage {
  fromMinute: number;
  /** 0 for no outage. */
  minutes: number;
}

/** What a behaviour is called, and which numbers it has. */
export interface BehaviourKind {
  label: string;
  parameters: Parameter[];
}

const FROM: Parameter = { name: "from", label: "from minute", initial: 2, min: 0, max: 100_000 };
const PER_MINUTE: Parameter = { name: "count", label: "requests a minute", initial: 10, min: 0, max: 100_000 };

/** All behaviours there are, in the order in which to show them. */
export const BEHAVIOURS: Record<BehaviourType, BehaviourKind> = {
  healthy: { label: "Serves everything", parameters: [] },
  limited: { label: "Rate limit, says how long", parameters: [PER_MINUTE] },
  limited_silent: { label: "Rate limit, does not say how long", parameters: [PER_MINUTE] },
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
  barred: {
    label: "May not use one model",
    parameters: [{ name: "model", label: "model", initial: 1, min: 1, max: 9 }],
  },
  slow: { label: "Slow", parameters: [{ name: "factor", label: "times as long", initial: 4, min: 1, max: 100 }] },
  flaky: {
    label: "Fails now and then",
    parameters: [{ name: "percent", label: "% of requests", initial: 10, min: 0, max: 100 }],
  },
};

/** A behaviour's number. */
export function numberOf({ type, numbers }: Behaviour, name: Parameter["name"]): number {
  return numbers[name] ?? BEHAVIOURS[type].parameters.find((parameter) => parameter.name === name)?.initial ?? 0;
}

/** An answer that is on its way. */
export interface Answer {
  response: Response;
  /** How long it takes. */
  latencyMs: Millis;
}

/** How long a refusal takes. */
const REFUSAL_MS = 200;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** A provider with one account for each credential. */
export class Provider {
  readonly #wording: Wording;
  readonly #startsAt: Millis;
  readonly #behaviours: readonly Behaviour[];
  readonly #outage: Outage;
  /** When each account was served lately, the oldest first. */
  readonly #served: Millis[][];
  readonly #perDay: { day: number; count: number }[];
  /** When the logins' tokens end, by account. */
  readonly #tokenEnds = new Map<number, Millis>();

  constructor(poolKey: string, behaviours: readonly Behaviour[], outage: Outage, startsAt: Millis) {
    this.#wording = wordingOf(poolKey);
    this.#startsAt = startsAt;
    this.#behaviours = behaviours;
    this.#outage = outage;
    this.#served = behaviours.map(() => []);
    this.#perDay = behaviours.map(() => ({ day: 0, count: 0 }));
  }

  /** An account's login has a token that ends then. */
  tokenEnds(account: number, at: Millis): void {
    this.#tokenEnds.set(account, at);
  }

  /** What it answers to a request with an account; `attempt` counts the request's attempts. */
  ask(account: number, arrival: Arrival, attempt: number, now: Millis): Answer {
    const behaviour = this.#behaviours[account] ?? { type: "healthy", numbers: {} };
    const refusal = this.#refusal(account, behaviour, arrival, attempt, now);
    if (refusal) return { response: refusal, latencyMs: REFUSAL_MS };
    this.#count(account, now);
    const factor = behaviour.type === "slow" ? numberOf(behaviour, "factor") : 1;
    return { response: { status: 200 }, latencyMs: Math.max(1, Math.round(arrival.durationMs * factor)) };
  }

  #refusal(account: number, behaviour: Behaviour, arrival: Arrival, attempt: number, now: Millis): Response | null {
    const minute = (now - this.#startsAt) / MINUTE;
    const { fromMinute, minutes } = this.#outage;
    if (minute >= fromMinute && minute < fromMinute + minutes) return this.#wording.overloaded();
    if (now >= (this.#tokenEnds.get(account) ?? Infinity)) return this.#wording.expired();
    const number = (name: Parameter["name"]): number => numberOf(behaviour, name);
    switch (behaviour.type) {
      case "healthy":
      case "slow":
        return null;
      case "limited":
      case "limited_silent": {
        const waitMs = this.#windowLeft(account, number("count"), now);
        return waitMs === null ? null : this.#wording.limited(behaviour.type === "limited" ? waitMs : null);
      }
      case "quota":
        return this.#today(account, now).count < number("count") ? null : this.#wording.noCredit();
      case "revoked":
        return minute < number("from") ? null : this.#wording.revoked();
      case "not_accepted":
        return minute < number("from") ? null : this.#wording.notAccepted();
      case "outage": {
        const from = number("from");
        return minute >= from && minute < from + number("minutes") ? this.#wording.overloaded() : null;
      }
      case "barred": {
        const model = modelName(number("model") - 1);
        return arrival.request.model === model ? this.#wording.barred(model) : null;
      }
      case "flaky": {
        const isDown = drawn(arrival.number, attempt, account) * 100 < number("percent");
        return isDown ? this.#wording.failed() : null;
      }
    }
  }

  /** How long until an account's sliding minute has room; null if it has. */
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

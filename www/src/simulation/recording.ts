/** Recording of a run for charts and lists. Its size is bounded. */

import type { Cause, Event, Millis } from "credential-pool/types";

/** A cooldown of a credential, or the time since it is dead. */
export interface Cooldown {
  from: Millis;
  /** End; Infinity if the credential is dead. */
  until: Millis;
  /** Model that the cooldown is limited to; null for all models. */
  model: string | null;
  cause: Cause;
  /** Explanation for people. */
  text: string;
}

/** Counts and cooldowns of a credential. */
export interface Lane {
  served: number;
  /** Number of error responses. */
  errors: number;
  /** Number of requests in flight. */
  inFlight: number;
  /** Cooldowns, the oldest first. */
  cooldowns: Cooldown[];
}

/** A line of the log. */
export interface LogLine {
  at: Millis;
  /** Number of the credential; null for a line about a request. */
  lane: number | null;
  /** Text, to stand after the credential's name. */
  text: string;
  isBad: boolean;
}

/** Numbers of requests by outcome. */
export interface Counts {
  arrived: number;
  served: number;
  /** Requests that no credential could serve in time. */
  exhausted: number;
  /** Requests that failed for a reason that no other credential could change. */
  givenUp: number;
  /** Requests that were served after a wait. */
  waited: number;
  waitedMs: Millis;
  longestWaitMs: Millis;
}

/** A response at its time. */
export interface Mark {
  at: Millis;
  lane: number;
  isServed: boolean;
}

/** Number of responses that are kept. */
const MAX_MARKS = 50_000;
/** Number of cooldowns that are kept per credential. */
const MAX_COOLDOWNS = 1_000;
/** Number of log lines that are kept. */
const MAX_LINES = 200;

/** Recording of a run. */
export class Recording {
  readonly lanes: readonly Lane[];
  readonly counts: Counts = {
    arrived: 0, served: 0, exhausted: 0, givenUp: 0, waited: 0, waitedMs: 0, longestWaitMs: 0,
  };
  /** Log lines, the newest last. */
  readonly lines: LogLine[] = [];
  /** Latest choice of a credential. */
  choice: LogLine | null = null;
  /** Number of log lines ever written. */
  written = 0;
  readonly #markedAt = new Float64Array(MAX_MARKS);
  /** Number of the lane, with bit 7 set for a served request. */
  readonly #markBits = new Uint8Array(MAX_MARKS);
  #marks = 0;

  constructor(lanes: number) {
    this.lanes = Array.from({ length: lanes }, () => ({ served: 0, errors: 0, inFlight: 0, cooldowns: [] }));
  }

  /** Yields the kept responses since a moment, the newest first. */
  *marksSince(since: Millis): Generator<Mark> {
    const oldest = Math.max(0, this.#marks - MAX_MARKS);
    for (let number = this.#marks - 1; number >= oldest; number -= 1) {
      const place = number % MAX_MARKS;
      const [at, bits] = [this.#markedAt[place] ?? 0, this.#markBits[place] ?? 0];
      if (at < since) return;
      yield { at, lane: bits & 127, isServed: bits > 127 };
    }
  }

  recordResponse(number: number, at: Millis, isServed: boolean): void {
    const lane = this.lanes[number];
    if (!lane) return;
    lane.inFlight -= 1;
    lane[isServed ? "served" : "errors"] += 1;
    const place = this.#marks % MAX_MARKS;
    this.#markedAt[place] = at;
    this.#markBits[place] = number + (isServed ? 128 : 0);
    this.#marks += 1;
  }

  /** Records a request that was served; `waitedMs` is the time from its arrival to its last attempt. */
  recordServed(waitedMs: Millis): void {
    this.counts.served += 1;
    if (waitedMs <= 0) return;
    this.counts.waited += 1;
    this.counts.waitedMs += waitedMs;
    this.counts.longestWaitMs = Math.max(this.counts.longestWaitMs, waitedMs);
  }

  recordFailed(number: number, at: Millis, kind: "exhausted" | "givenUp", why: string): void {
    this.counts[kind] += 1;
    this.#write({ at, lane: null, text: `Request ${number} fails: ${why}`, isBad: true });
  }

  /** Records an event of the pool. */
  recordEvent(number: number, { what, text }: Event, at: Millis): void {
    const lane = this.lanes[number];
    if (!lane) return;
    switch (what.type) {
      case "chosen":
        this.choice = { at, lane: number, text, isBad: false };
        return;
      case "passed_over":
      case "awaits_refresh":
        return;
      case "cooling_down":
        addCooldown(lane, { from: at, until: what.until, model: what.model ?? null, cause: what.cause, text });
        break;
      case "marked_dead":
        addCooldown(lane, { from: at, until: Infinity, model: null, cause: what.cause, text });
        break;
      case "recovered":
      case "reverted":
        for (const open of lane.cooldowns) if (open.model === null && open.until > at) open.until = at;
        break;
      case "refreshed":
      case "refresh_interrupted":
      case "refresh_lost":
      case "outage":
      case "outage_over":
      case "lease_expired":
        break;
    }
    this.#write({ at, lane: number, text, isBad: what.type === "cooling_down" || what.type === "marked_dead" });
  }

  #write(line: LogLine): void {
    this.written += 1;
    this.lines.push(line);
    if (this.lines.length > MAX_LINES) this.lines.shift();
  }
}

/** Adds a cooldown, or extends the running cooldown of the same model. */
function addCooldown(lane: Lane, begun: Cooldown): void {
  const open = lane.cooldowns.findLast(({ model, until }) => model === begun.model && until > begun.from);
  if (open) {
    open.until = begun.until;
    open.cause = begun.cause;
    open.text = begun.text;
    return;
  }
  lane.cooldowns.push(begun);
  if (lane.cooldowns.length > MAX_COOLDOWNS) lane.cooldowns.shift();
}

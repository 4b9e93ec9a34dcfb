/** What happened in a run, as charts and lists want it; bounded, however long the run is. */

import type { Cause, Event, Millis } from "credential-pool/types";

/** A time in which a credential did not serve. */
export interface Rest {
  from: Millis;
  /** Infinity if it does not come back. */
  until: Millis;
  /** The one model it rests for. */
  model: string | null;
  cause: Cause;
  /** Why, for people. */
  text: string;
}

/** How much a credential did. */
export interface Lane {
  served: number;
  /** Answers that were refusals. */
  refused: number;
  underWay: number;
  /** The oldest first. */
  rests: Rest[];
}

/** A line of the log. */
export interface Line {
  at: Millis;
  /** A credential's number; null if it is about a request. */
  lane: number | null;
  /** Stands after the credential's name. */
  text: string;
  isBad: boolean;
}

/** What became of the requests. */
export interface Counts {
  arrived: number;
  served: number;
  /** No credential could serve them in time. */
  exhausted: number;
  /** No credential would have helped. */
  givenUp: number;
  /** Those that were served after a wait. */
  waited: number;
  waitedMs: Millis;
  longestWaitMs: Millis;
}

/** An answer, by when it came. */
export interface Mark {
  at: Millis;
  lane: number;
  isServed: boolean;
}

const MOST_MARKS = 50_000;
const MAX_COOLDOWNS = 1_000;
const MOST_LINES = 200;

export class Recording {
  readonly lanes: readonly Lane[];
  readonly counts: Counts = {
    arrived: 0, served: 0, exhausted: 0, givenUp: 0, waited: 0, waitedMs: 0, longestWaitMs: 0,
  };
  /** The newest last. */
  readonly lines: Line[] = [];
  /** The latest choice. */
  choice: Line | null = null;
  /** How many notable things happened, to tell that one more did. */
  notable = 0;
  readonly #markedAt = new Float64Array(MOST_MARKS);
  /** The lane, and 128 more if it was served. */
  readonly #marked = new Uint8Array(MOST_MARKS);
  #marks = 0;

  constructor(lanes: number) {
    this.lanes = Array.from({ length: lanes }, () => ({ served: 0, refused: 0, underWay: 0, rests: [] }));
  }

  /** The answers since a moment that are still known, the newest first. */
  *marksSince(since: Millis): Generator<Mark> {
    const oldest = Math.max(0, this.#marks - MOST_MARKS);
    for (let number = this.#marks - 1; number >= oldest; number -= 1) {
      const place = number % MOST_MARKS;
      const [at, bits] = [this.#markedAt[place] ?? 0, this.#marked[place] ?? 0];
      if (at < since) return;
      yield { at, lane: bits & 127, isServed: bits > 127 };
    }
  }

  answered(number: number, at: Millis, isServed: boolean): void {
    const lane = this.lanes[number];
    if (!lane) return;
    lane.underWay -= 1;
    lane[isServed ? "served" : "refused"] += 1;
    const place = this.#marks % MOST_MARKS;
    this.#markedAt[place] = at;
    this.#marked[place] = number + (isServed ? 128 : 0);
    this.#marks += 1;
  }

  /** A request was served, and was sent so long after it came. */
  served(waitedMs: Millis): void {
    this.counts.served += 1;
    if (waitedMs <= 0) return;
    this.counts.waited += 1;
    this.counts.waitedMs += waitedMs;
    this.counts.longestWaitMs = Math.max(this.counts.longestWaitMs, waitedMs);
  }

  failed(number: number, at: Millis, kind: "exhausted" | "givenUp", why: string): void {
    this.counts[kind] += 1;
    this.#write({ at, lane: null, text: `Request ${number} fails: ${why}`, isBad: true });
  }

  /** The pool says that this happened to a credential. */
  happened(number: number, { what, text }: Event, at: Millis): void {
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
        rest(lane, { from: at, until: what.until, model: what.model ?? null, cause: what.cause, text });
        break;
      case "marked_dead":
        rest(lane, { from: at, until: Infinity, model: null, cause: what.cause, text });
        break;
      case "recovered":
      case "reverted":
        for (const open of lane.rests) if (open.model === null && open.until > at) open.until = at;
        break;
      case "refreshed":
      case "refresh_interrupted":
      case "lease_expired":
        break;
    }
    this.#write({ at, lane: number, text, isBad: what.type === "cooling_down" || what.type === "marked_dead" });
  }

  #write(line: Line): void {
    this.notable += 1;
    this.lines.push(line);
    if (this.lines.length > MOST_LINES) this.lines.shift();
  }
}

/** Begins a rest, or makes the one that goes on longer. */
function rest(lane: Lane, begun: Rest): void {
  const open = lane.rests.findLast(({ model, until }) => model === begun.model && until > begun.from);
  if (open) {
    open.until = begun.until;
    open.cause = begun.cause;
    open.text = begun.text;
    return;
  }
  lane.rests.push(begun);
  if (lane.rests.length > MAX_COOLDOWNS) lane.rests.shift();
}

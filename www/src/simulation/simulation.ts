/** One run: a pool of the real core, seeded traffic, a scripted provider, and a clock that jumps. */

import {
  CredentialPool, type Explained, type Intent, type Millis, type NextMove, type Policy, type Problem,
  readPolicy, type RefreshIntent, type Response, type Row, type Step, type Strategy,
} from "credential-pool";
import { DeadlineQueue } from "./deadlines";
import { Dice } from "./dice";
import { type Behaviour, type Outage, Provider } from "./provider";
import { Recording } from "./record";
import { type Arrival, Arrivals, type Traffic } from "./traffic";

export { readPolicy };

/** A credential that takes part. Its secrets are made up. */
export interface Player {
  id: string;
  label: string;
  isLogin: boolean;
  requestCount: number;
  weight: number;
  maxInFlight: number | null;
}

/** What a run is made of. */
export interface Setting {
  poolKey: string;
  /** By priority. */
  players: readonly Player[];
  /** One for each player. */
  behaviours: readonly Behaviour[];
  outage: Outage;
  traffic: Traffic;
  strategy: Strategy;
  policy: Policy;
}

/** The moment at which every run begins. */
export const STARTS_AT: Millis = Date.UTC(2026, 0, 1);

/** How far a run goes. */
export interface Goal {
  until: Millis;
  /** Whether to stop after the first thing that is worth a line in the log. */
  stopsAtEvent?: boolean;
}

/** A request that is not over. */
interface Job {
  arrival: Arrival;
  /** How often it was sent. */
  attempts: number;
  sentAt: Millis;
}

type Due =
  | { type: "resume"; job: Job; lease: number }
  | { type: "answer"; job: Job; lease: number; account: number; response: Response }
  | { type: "refreshed"; intent: RefreshIntent }
  | { type: "tick" };

const TOKEN_LASTS_MS = 3_600_000;
const REFRESH_TAKES_MS = 500;
/** Logins of these pools can be refreshed. */
const REFRESHABLE = new Set(["anthropic", "openai-codex", "nous"]);

export class Simulation implements Disposable {
  readonly recording: Recording;
  /** What the pool found wrong with what it was given. */
  readonly problems: readonly Problem[];
  readonly #pool: CredentialPool;
  readonly #poolKey: string;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #provider: Provider;
  readonly #arrivals: Arrivals;
  readonly #deadlines = new DeadlineQueue<Due>();
  /** Requests that wait for a refresh, by its intent. */
  readonly #awaiting = new Map<number, { job: Job; lease: number }[]>();
  #now = STARTS_AT;
  #alarm: Millis | null = null;
  #refreshes = 0;

  /** @throws {PoolError} The pool cannot be opened. */
  constructor({ poolKey, players, behaviours, outage, traffic, strategy, policy }: Setting) {
    this.#poolKey = poolKey;
    this.#numbers = new Map(players.map(({ id }, number) => [id, number]));
    this.recording = new Recording(players.length);
    this.#provider = new Provider(poolKey, behaviours, outage, STARTS_AT);
    this.#arrivals = new Arrivals(traffic, STARTS_AT);
    players.forEach((player, number) => {
      if (isRefreshable(player, poolKey)) this.#provider.tokenEnds(number, STARTS_AT + TOKEN_LASTS_MS);
    });
    const dice = new Dice(traffic.seed ^ 0x5eed);
    const { pool, ...opened } = CredentialPool.open({
      key: poolKey,
      stored: { rows: players.map((player, number) => row(player, number, poolKey)), strategy, policy },
      now: STARTS_AT,
      host: { now: () => this.#now, random: (length) => Uint8Array.from({ length }, () => dice.below(256)) },
    });
    this.#pool = pool;
    this.problems = this.#take(opened).problems;
  }

  get now(): Millis {
    return this.#now;
  }

  /** When the next thing happens, of whatever kind. */
  get nextAt(): Millis {
    return Math.min(this.#deadlines.nextAt, this.#arrivals.next.at);
  }

  /** The request that comes next. */
  get nextArrival(): Arrival {
    return this.#arrivals.next;
  }

  /** Why each player would or would not serve the request that comes next, if it came now; in the players' order. */
  explain(): Explained[] {
    const place = ({ credential }: Explained): number => this.#numbers.get(credential) ?? Infinity;
    const { credentials } = this.#pool.explain(this.#arrivals.next.request, this.#now);
    // The pool's order is that of its strategy.
    return credentials.sort((one, other) => place(one) - place(other));
  }

  /**
   * Goes on until the goal is reached or there is no time left, and answers whether it is reached. A goal that is past
   * is reached.
   */
  advance({ until, stopsAtEvent = false }: Goal, hasTime: () => boolean = () => true): boolean {
    const before = this.recording.notable;
    for (;;) {
      if (stopsAtEvent && this.recording.notable > before) return true;
      if (this.nextAt > until) break;
      if (!hasTime()) return false;
      this.#happen();
    }
    this.#now = Math.max(this.#now, until);
    return true;
  }

  [Symbol.dispose](): void {
    this.#pool.free();
  }

  #happen(): void {
    if (this.#arrivals.next.at < this.#deadlines.nextAt) {
      const arrival = this.#arrivals.take();
      this.#now = Math.max(this.#now, arrival.at);
      this.recording.counts.arrived += 1;
      this.#ask({ arrival, attempts: 0, sentAt: arrival.at });
      return;
    }
    this.#now = Math.max(this.#now, this.#deadlines.nextAt);
    const due = this.#deadlines.take();
    switch (due?.type) {
      case "resume":
        this.#follow(due.job, this.#take(this.#pool.resume(due.lease, this.#now)));
        break;
      case "answer":
        this.recording.answered(due.account, this.#now, due.response.status === 200);
        this.#follow(due.job, this.#take(this.#pool.report(due.lease, due.response, this.#now)));
        break;
      case "refreshed":
        this.#refreshed(due.intent);
        break;
      case "tick":
        if (this.#alarm === null || this.#alarm > this.#now) break;
        this.#alarm = null;
        this.#take(this.#pool.tick(this.#now));
    }
  }

  #ask(job: Job): void {
    this.#follow(job, this.#take(this.#pool.lease(job.arrival.request, this.#now)));
  }

  #follow(job: Job, move: NextMove): void {
    const { number, at } = job.arrival;
    switch (move.type) {
      case "use":
        this.#send(job, move.lease, move.credential);
        break;
      case "retry":
      case "wait":
        this.#deadlines.add(Math.max(move.until, this.#now), { type: "resume", job, lease: move.lease });
        break;
      case "refresh":
        this.#awaiting.set(move.intent, [...(this.#awaiting.get(move.intent) ?? []), { job, lease: move.lease }]);
        break;
      case "served":
        this.recording.served(job.sentAt - at);
        break;
      case "late":
        if (move.served) this.recording.served(job.sentAt - at);
        else this.#ask(job);
        break;
      case "exhausted":
      case "empty":
        this.recording.failed(number, this.#now, "exhausted", "no credential could serve it in time");
        break;
      case "give_up":
        this.recording.failed(number, this.#now, "givenUp", move.reason);
    }
  }

  #send(job: Job, lease: number, credential: string): void {
    const account = this.#numbers.get(credential) ?? 0;
    job.attempts += 1;
    job.sentAt = this.#now;
    const lane = this.recording.lanes[account];
    if (lane) lane.underWay += 1;
    const { response, latencyMs } = this.#provider.ask(account, job.arrival, job.attempts, this.#now);
    this.#deadlines.add(this.#now + latencyMs, { type: "answer", job, lease, account, response });
  }

  /** Carries out what a step asks for; the store is one that always works. */
  #take<T>({ value, intents, events, wake }: Step<T>): T {
    for (const event of events) {
      const number = this.#numbers.get(event.credential);
      if (number !== undefined) this.recording.happened(number, event, this.#now);
    }
    this.#wakeAt(wake?.at ?? null);
    for (const intent of intents) this.#carryOut(intent);
    return value;
  }

  #carryOut(intent: Intent): void {
    if (intent.type === "persist") this.#take(this.#pool.settle(intent.id, { type: "saved" }, this.#now));
    else this.#deadlines.add(this.#now + REFRESH_TAKES_MS, { type: "refreshed", intent });
  }

  #wakeAt(at: Millis | null): void {
    const wanted = at === null ? null : Math.max(at, this.#now + 1);
    if (wanted !== null && wanted !== this.#alarm) this.#deadlines.add(wanted, { type: "tick" });
    this.#alarm = wanted;
  }

  #refreshed({ id, credential }: RefreshIntent): void {
    const number = this.#numbers.get(credential) ?? 0;
    this.#refreshes += 1;
    this.#provider.tokenEnds(number, this.#now + TOKEN_LASTS_MS);
    const set = tokens(this.#poolKey, `${number}-${this.#refreshes}`, this.#now);
    this.#take(this.#pool.settle(id, { type: "tokens", set }, this.#now));
    const waiting = this.#awaiting.get(id) ?? [];
    this.#awaiting.delete(id);
    for (const { job, lease } of waiting) this.#deadlines.add(this.#now, { type: "resume", job, lease });
  }
}

/** Without a way to refresh it, a login would only expire. */
function isRefreshable({ isLogin }: Player, poolKey: string): boolean {
  return isLogin && REFRESHABLE.has(poolKey);
}

function row(player: Player, number: number, poolKey: string): Row {
  const { id, label, requestCount, weight, maxInFlight } = player;
  const common = { id, label, priority: number, request_count: requestCount, weight, max_in_flight: maxInFlight };
  return isRefreshable(player, poolKey)
    ? { ...common, source: "manual", auth_type: "oauth", ...tokens(poolKey, `${number}-0`, STARTS_AT) }
    : { ...common, source: "manual", auth_type: "api_key", access_token: `made-up-key-${number}` };
}

function tokens(poolKey: string, name: string, now: Millis) {
  const ends = now + TOKEN_LASTS_MS;
  const pair = { access_token: `made-up-access-${name}`, refresh_token: `made-up-refresh-${name}` };
  switch (poolKey) {
    case "nous":
      return { ...pair, agent_key: `made-up-agent-${name}` };
    case "openai-codex":
      return { ...pair, access_token: jwt(name, ends) };
    default:
      return { ...pair, expires_at_ms: ends };
  }
}

/** A token that tells its end itself. */
function jwt(name: string, ends: Millis): string {
  const part = (value: unknown): string => btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `${part({ alg: "none" })}.${part({ sub: name, exp: Math.floor(ends / 1000) })}.made-up`;
}

/** Discrete-event simulation of one pool: the real core, seeded traffic, a scripted provider, a virtual clock. */

import {
  CredentialPool, type Explained, type Intent, type Millis, type NextMove, type Policy, type Problem,
  readPolicy, type RefreshIntent, type Response, type Row, type Step, type Strategy,
} from "credential-pool";
import { DeadlineQueue } from "./deadlines";
import { SeededRandom } from "./seeded-random";
import { type Behaviour, type Outage, Provider } from "./provider";
import { Recording } from "./recording";
import { type Arrival, Arrivals, type Traffic } from "./traffic";

export { readPolicy };

/** A credential of the simulated pool. Its secrets are made up. */
export interface SimulatedCredential {
  id: string;
  label: string;
  isLogin: boolean;
  requestCount: number;
  weight: number;
  maxInFlight: number | null;
}

/** Settings of a run. */
export interface SimulationSettings {
  poolKey: string;
  /** Credentials, by priority. */
  credentials: readonly SimulatedCredential[];
  /** Behaviour towards each credential. */
  behaviours: readonly Behaviour[];
  outage: Outage;
  traffic: Traffic;
  strategy: Strategy;
  policy: Policy;
}

/** Time at which every run starts. */
export const STARTS_AT: Millis = Date.UTC(2026, 0, 1);

/** Time to advance to. */
export interface Goal {
  until: Millis;
  /** Whether to stop after the next line in the log. */
  stopsAtEvent?: boolean;
}

/** A request in progress. */
interface PendingRequest {
  arrival: Arrival;
  /** Number of times it was sent. */
  attempts: number;
  sentAt: Millis;
}

/** What happens at a deadline. */
type Due =
  | { type: "resume"; request: PendingRequest; lease: number }
  | { type: "response"; request: PendingRequest; lease: number; account: number; response: Response }
  | { type: "refreshed"; intent: RefreshIntent }
  | { type: "tick" };

/** Lifetime of an access token, in ms. */
const TOKEN_LIFETIME_MS = 3_600_000;
/** Duration of a refresh, in ms. */
const REFRESH_MS = 500;
/** Pools whose logins can be refreshed. */
const REFRESHABLE = new Set(["anthropic", "openai-codex", "nous"]);

/** A run. */
export class Simulation implements Disposable {
  readonly recording: Recording;
  /** Problems that the pool found in its input. */
  readonly problems: readonly Problem[];
  readonly #pool: CredentialPool;
  readonly #poolKey: string;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #provider: Provider;
  readonly #arrivals: Arrivals;
  readonly #deadlines = new DeadlineQueue<Due>();
  /** Requests that wait for a refresh, by the intent of the refresh. */
  readonly #awaiting = new Map<number, { request: PendingRequest; lease: number }[]>();
  #now = STARTS_AT;
  #alarm: Millis | null = null;
  #refreshes = 0;

  /** @throws {PoolError} The pool cannot be opened. */
  constructor({ poolKey, credentials, behaviours, outage, traffic, strategy, policy }: SimulationSettings) {
    this.#poolKey = poolKey;
    this.#numbers = new Map(credentials.map(({ id }, number) => [id, number]));
    this.recording = new Recording(credentials.length);
    this.#provider = new Provider(poolKey, behaviours, outage, STARTS_AT);
    this.#arrivals = new Arrivals(traffic, STARTS_AT);
    credentials.forEach((credential, number) => {
      if (isRefreshable(credential, poolKey)) this.#provider.setTokenExpiry(number, STARTS_AT + TOKEN_LIFETIME_MS);
    });
    const random = new SeededRandom(traffic.seed ^ 0x5eed);
    const { pool, ...opened } = CredentialPool.open({
      key: poolKey,
      stored: { rows: credentials.map((credential, number) => row(credential, number, poolKey)), strategy, policy },
      now: STARTS_AT,
      host: { now: () => this.#now, random: (length) => Uint8Array.from({ length }, () => random.below(256)) },
    });
    this.#pool = pool;
    this.problems = this.#take(opened).problems;
  }

  get now(): Millis {
    return this.#now;
  }

  /** Time of the next event of any kind. */
  get nextAt(): Millis {
    return Math.min(this.#deadlines.nextAt, this.#arrivals.next.at);
  }

  /** Next request of the traffic. */
  get nextArrival(): Arrival {
    return this.#arrivals.next;
  }

  /** Explains for each credential, in their order, whether it would serve the next request if that came now. */
  explain(): Explained[] {
    const place = ({ credential }: Explained): number => this.#numbers.get(credential) ?? Infinity;
    const { credentials } = this.#pool.explain(this.#arrivals.next.request, this.#now);
    // The pool returns them in the order of its strategy.
    return credentials.sort((one, other) => place(one) - place(other));
  }

  /** Advances until the goal is reached or `hasTime` returns false. Returns whether the goal, or a later time, is reached. */
  advance({ until, stopsAtEvent = false }: Goal, hasTime: () => boolean = () => true): boolean {
    const before = this.recording.written;
    for (;;) {
      if (stopsAtEvent && this.recording.written > before) return true;
      if (this.nextAt > until) break;
      if (!hasTime()) return false;
      this.#processNext();
    }
    this.#now = Math.max(this.#now, until);
    return true;
  }

  [Symbol.dispose](): void {
    this.#pool.free();
  }

  #processNext(): void {
    if (this.#arrivals.next.at < this.#deadlines.nextAt) {
      const arrival = this.#arrivals.take();
      this.#now = Math.max(this.#now, arrival.at);
      this.recording.counts.arrived += 1;
      this.#lease({ arrival, attempts: 0, sentAt: arrival.at });
      return;
    }
    this.#now = Math.max(this.#now, this.#deadlines.nextAt);
    const due = this.#deadlines.take();
    switch (due?.type) {
      case "resume":
        this.#follow(due.request, this.#take(this.#pool.resume(due.lease, this.#now)));
        break;
      case "response":
        this.recording.recordResponse(due.account, this.#now, due.response.status === 200);
        this.#follow(due.request, this.#take(this.#pool.report(due.lease, due.response, this.#now)));
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

  #lease(request: PendingRequest): void {
    this.#follow(request, this.#take(this.#pool.lease(request.arrival.request, this.#now)));
  }

  #follow(request: PendingRequest, move: NextMove): void {
    const { number, at } = request.arrival;
    switch (move.type) {
      case "use":
        this.#send(request, move.lease, move.credential);
        break;
      case "retry":
      case "wait":
        this.#deadlines.add(Math.max(move.until, this.#now), { type: "resume", request, lease: move.lease });
        break;
      case "refresh":
        this.#awaiting.set(move.intent, [...(this.#awaiting.get(move.intent) ?? []), { request, lease: move.lease }]);
        break;
      case "served":
        this.recording.recordServed(request.sentAt - at);
        break;
      case "late":
        if (move.served) this.recording.recordServed(request.sentAt - at);
        else this.#lease(request);
        break;
      case "exhausted":
      case "empty":
        this.recording.recordFailed(number, this.#now, "exhausted", "no credential could serve it in time");
        break;
      case "give_up":
        this.recording.recordFailed(number, this.#now, "givenUp", move.reason);
    }
  }

  #send(request: PendingRequest, lease: number, credential: string): void {
    const account = this.#numbers.get(credential) ?? 0;
    request.attempts += 1;
    request.sentAt = this.#now;
    const lane = this.recording.lanes[account];
    if (lane) lane.inFlight += 1;
    const { response, latencyMs } = this.#provider.respond(account, request.arrival, request.attempts, this.#now);
    this.#deadlines.add(this.#now + latencyMs, { type: "response", request, lease, account, response });
  }

  /** Records the events of a step and carries out its intents. Every write succeeds at once. */
  #take<T>({ value, intents, events, wake }: Step<T>): T {
    for (const event of events) {
      const number = this.#numbers.get(event.credential);
      if (number !== undefined) this.recording.recordEvent(number, event, this.#now);
    }
    this.#wakeAt(wake?.at ?? null);
    for (const intent of intents) this.#carryOut(intent);
    return value;
  }

  #carryOut(intent: Intent): void {
    if (intent.type === "persist") this.#take(this.#pool.settle(intent.id, { type: "saved" }, this.#now));
    else this.#deadlines.add(this.#now + REFRESH_MS, { type: "refreshed", intent });
  }

  #wakeAt(at: Millis | null): void {
    const wanted = at === null ? null : Math.max(at, this.#now + 1);
    if (wanted !== null && wanted !== this.#alarm) this.#deadlines.add(wanted, { type: "tick" });
    this.#alarm = wanted;
  }

  #refreshed({ id, credential }: RefreshIntent): void {
    const number = this.#numbers.get(credential) ?? 0;
    this.#refreshes += 1;
    this.#provider.setTokenExpiry(number, this.#now + TOKEN_LIFETIME_MS);
    const set = tokens(this.#poolKey, `${number}-${this.#refreshes}`, this.#now);
    this.#take(this.#pool.settle(id, { type: "tokens", set }, this.#now));
    const waiting = this.#awaiting.get(id) ?? [];
    this.#awaiting.delete(id);
    for (const { request, lease } of waiting) this.#deadlines.add(this.#now, { type: "resume", request, lease });
  }
}

/** Returns whether a credential is simulated as a login. A login that cannot be refreshed is simulated as a key. */
function isRefreshable({ isLogin }: SimulatedCredential, poolKey: string): boolean {
  return isLogin && REFRESHABLE.has(poolKey);
}

function row(credential: SimulatedCredential, number: number, poolKey: string): Row {
  const { id, label, requestCount, weight, maxInFlight } = credential;
  const common = { id, label, priority: number, request_count: requestCount, weight, max_in_flight: maxInFlight };
  return isRefreshable(credential, poolKey)
    ? { ...common, source: "manual", auth_type: "oauth", ...tokens(poolKey, `${number}-0`, STARTS_AT) }
    : { ...common, source: "manual", auth_type: "api_key", access_token: `made-up-key-${number}` };
}

function tokens(poolKey: string, name: string, now: Millis) {
  const expiresAt = now + TOKEN_LIFETIME_MS;
  const pair = { access_token: `made-up-access-${name}`, refresh_token: `made-up-refresh-${name}` };
  switch (poolKey) {
    case "nous":
      return { ...pair, agent_key: `made-up-agent-${name}` };
    case "openai-codex":
      return { ...pair, access_token: jwt(name, expiresAt) };
    default:
      return { ...pair, expires_at_ms: expiresAt };
  }
}

/** Returns a JSON Web Token with an expiry. */
function jwt(name: string, expiresAt: Millis): string {
  const part = (value: unknown): string => btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `${part({ alg: "none" })}.${part({ sub: name, exp: Math.floor(expiresAt / 1000) })}.made-up`;
}

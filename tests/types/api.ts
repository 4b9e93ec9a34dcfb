/** What the package's types promise: this compiles, and each `@ts-expect-error` is an error. */

import {
  applyChanges,
  applyToDocument,
  checkDocument,
  CredentialLogin,
  CredentialPool,
  customPools,
  emptyDocument,
  limits,
  PoolError,
  poolKeyForBaseUrl,
  pools,
  readDocument,
  readPolicy,
  providers,
  wanted,
} from "credential-pool";
import type {
  Cause,
  Change,
  Claim,
  Choice,
  Entry,
  Event,
  Explanation,
  Happening,
  Intent,
  LeaseRequest,
  LoginConfig,
  LoginFailure,
  LoginMove,
  LoginOptions,
  NextMove,
  Opened,
  Outcome,
  PersistIntent,
  Policy,
  Problem,
  ProviderFacts,
  RefreshIntent,
  Refusal,
  ResolvedPolicy,
  Row,
  Rule,
  Runtime,
  Selection,
  Settled,
  State,
  Step,
  Strategy,
  Verdict,
  Wake,
} from "credential-pool";
import { logIn, LoginError } from "credential-pool/login";

const { stored, documentLogins } = readDocument(emptyDocument(), "anthropic");
const { pool, value, intents, events, wake } = CredentialPool.open({
  key: "anthropic",
  stored,
  sources: { env: process.env, config: {}, fileLogins: { claude_code: { accessToken: "a" } }, documentLogins },
  now: Date.now(),
  host: { now: Date.now, random: (length) => crypto.getRandomValues(new Uint8Array(length)) },
});

same<boolean>(value.hasCredentials);
same<Problem[]>(value.problems);
same<readonly Intent[]>(intents);
same<readonly Event[]>(events);
same<Wake | null>(wake);

same<Step<Selection>>(pool.select());
same<Step<Selection>>(pool.select(Date.now()));
same<Step<Selection>>(pool.rotate("a1b2c3", { status: 429 }));
same<Step<Selection>>(pool.rotate("a1b2c3", { status: null }, Date.now()));
same<Step<Selection>>(pool.rotate("a1b2c3", {}));
same<Step<{ credential: string; intent: number }>>(pool.refresh("a1b2c3"));
same<Step<null>>(pool.markUsed("a1b2c3"));
same<Step<NextMove>>(pool.lease());
same<Step<NextMove>>(pool.lease(null, Date.now()));
same<Step<NextMove>>(pool.lease({ model: "small", affinity: "session", patienceMs: 5_000 }));
same<Step<NextMove>>(pool.resume(1));
same<Step<NextMove>>(pool.report(1, { status: 429, headers: [["Retry-After", "12"]], body: "" }));
same<Step<NextMove>>(pool.report(1, {}, Date.now()));
same<Step<null>>(pool.release(1, Date.now()));
same<Step<Settled>>(pool.settle(1, { type: "saved" }));
same<Step<null>>(pool.tick());
same<Step<null>>(pool.flush());
same<Step<null>>(pool.signOff());
same<Step<Opened>>(pool.sync(stored));
same<Step<Opened>>(pool.sync(stored, { env: {} }, Date.now()));
const claim = pool.claim(1, Date.now()).value;
same<Claim>(claim);
if (claim.type === "send") same<string>(claim.request.url);
same<Step<string>>(pool.add({ access_token: "sk", some_other_field: [1] }));
same<Step<null>>(pool.update("a1b2c3", { label: null }));
same<Step<null>>(pool.remove("a1b2c3"));
same<Step<null>>(pool.moveTo("a1b2c3", 0));
same<Step<number>>(pool.reset());
same<Step<number>>(pool.reset(undefined));
same<Step<number>>(pool.reset("a1b2c3", Date.now()));
same<Step<null>>(pool.setStrategy("least_used"));
same<Step<null>>(pool.setStrategy("least_in_flight"));
same<Step<null>>(pool.setPolicy({}));
same<Step<null>>(pool.setPolicy({ preset: "reference", failures: { quota: { action: "cool_down", probe_interval_ms: null } } }));

same<string | null>(pool.current());
same<string | null>(pool.peek());
same<Entry[]>(pool.entries());
same<Row[]>(pool.rows());
same<unknown[]>(pool.setAside());
same<Runtime>(pool.runtime("a1b2c3"));
same<string>(pool.address("a1b2c3", "chat", { baseUrl: "https://h.test", origins: ["https://files.test"] }));
same<number>(limits().responseBodyBytes);
same<number>(limits().modelsPerCredential);
same<number>(limits().modelNameBytes);
pool.report(1, { status: 429, headers: { "retry-after": "1", "set-cookie": ["a", "b"] }, body: "" });
pool.report(1, { status: 429, headers: new Headers(), body: "" });
same<[name: string, value: string][]>(pool.runtime("a1b2c3").auth.headers);
same<boolean>(pool.hasCredentials());
same<Intent[]>(pool.outstanding());
same<Wake | null>(pool.wake());
same<Strategy>(pool.strategy());
same<string>(pool.key());
same<Policy>(pool.policy());
same<Explanation>(pool.explain());
same<Explanation>(pool.explain({ model: "small" }, Date.now()));
pool.setPolicy(pool.policy());
pool.free();

const resolved = readPolicy({ preset: "adaptive" });
same<ResolvedPolicy>(resolved);
same<number | null>(resolved.max_in_flight.hard);
same<Rule>(resolved.failures.rate_limited);
same<Policy>(resolved);

const changes: Change[] = [{ by: { at: 1, host: "h" }, type: "used", id: "a1b2c3", count: 1 }];
const applied = applyToDocument(emptyDocument(), "anthropic", changes);
same<string>(applied.text);
same<Refusal[]>(applied.refused);
same<unknown[] | undefined>(applyChanges("anthropic", stored, changes).rows);
same<Problem[]>(checkDocument("{}", Date.now()));
same<string[]>(pools("{}"));
same<string[]>(customPools("{}"));
same<string[]>(wanted("anthropic").env);
same<ProviderFacts[]>(providers());
same<string | null>(poolKeyForBaseUrl("http://127.0.0.1", {}));

const { login, move: first } = CredentialLogin.start({ key: "nous", flow: "device_code", now: Date.now(), host: {} });
same<LoginMove>(first);
same<LoginMove>(login.answer({ status: 200, headers: new Headers(), body: "{}" }));
same<LoginMove>(login.answer({}, Date.now()));
same<LoginMove>(login.resume());
same<LoginMove>(login.listening(8080));
same<LoginMove>(login.redirected("/callback?code=c&state=s"));
same<Promise<Row>>(logIn({ key: "nous", show: ({ until }) => void same<number>(until) }));
same<LoginFailure>(new LoginError("denied", "message", null).reason);

const error = new PoolError("invalid_row", "message", "/rows/0");
same<Error>(error);
same<string | undefined>(error.pointer);
if (error.code === "invalid_row") same<"invalid_row">(error.code);

/** Each union has these members and no others: a new one makes `never` fail. */
export function readSelection(selection: Selection): string | number | null {
  switch (selection.type) {
    case "selected":
      return selection.credential;
    case "refreshing":
      return selection.intent;
    case "exhausted":
      return selection.retryAt;
    case "empty":
      return null;
    default:
      return never(selection);
  }
}

export function readIntent(intent: Intent): PersistIntent | RefreshIntent {
  switch (intent.type) {
    case "persist":
      same<Change[]>(intent.changes);
      return intent;
    case "refresh":
      same<string>(intent.credential);
      void fetch(intent.request.url, { ...intent.request, signal: AbortSignal.timeout(intent.request.timeoutMs) });
      return intent;
    default:
      return never(intent);
  }
}

export function readSettled(settled: Settled): string | number | null {
  switch (settled.type) {
    case "saved":
    case "unsaved":
    case "gone":
      return null;
    case "refreshed":
    case "cooling_down":
    case "dead":
    case "lost":
      return settled.credential;
    case "continues":
      return settled.intent;
    case "unrefreshed":
      return settled.retryAt;
    default:
      return never(settled);
  }
}

export function readMove(move: NextMove): string | number | boolean | null {
  switch (move.type) {
    case "use":
      return move.credential;
    case "retry":
    case "wait":
      return move.until + move.lease;
    case "refresh":
      return move.intent;
    case "exhausted":
      return move.retryAt;
    case "give_up":
      return move.reason;
    case "empty":
    case "served":
      return null;
    case "late":
      return move.served;
    default:
      return never(move);
  }
}

export function readLoginMove(next: LoginMove): string | number | Row {
  switch (next.type) {
    case "send":
      void fetch(next.request.url, { ...next.request, redirect: "manual" });
      return next.request.timeoutMs;
    case "show":
      return next.verificationUriComplete ?? `${next.userCode} ${next.verificationUri} ${next.expiresAt} ${next.until}`;
    case "listen":
      return `${next.host}:${next.port}${next.path}`;
    case "visit":
      return next.url;
    case "wait":
      return next.until;
    case "done":
      return next.row;
    case "failed":
      return readLoginFailure(next.reason) + next.message + (next.status ?? "");
    default:
      return never(next);
  }
}

function readLoginFailure(reason: LoginFailure): string {
  switch (reason) {
    case "denied":
    case "expired":
    case "unreachable":
    case "misconfigured":
    case "refused":
    case "unreadable":
    case "wrong_issuer":
      return reason;
    default:
      return never(reason);
  }
}

export function readHappening(what: Happening): string | number | null {
  switch (what.type) {
    case "chosen":
      return readChoice(what.by);
    case "passed_over":
      return readVerdict(what.verdict);
    case "cooling_down":
      same<string | undefined>(what.model);
      return what.until;
    case "marked_dead":
      return readCause(what.cause);
    case "lease_expired":
      return what.lease;
    case "awaits_refresh":
      return what.intent;
    case "outage":
      return what.probeAt;
    case "outage_over":
    case "recovered":
    case "refreshed":
    case "refresh_interrupted":
    case "refresh_lost":
    case "reverted":
      return null;
    default:
      return never(what);
  }
}

function readChoice(choice: Choice): Strategy | null {
  switch (choice.type) {
    case "strategy":
      return choice.strategy;
    case "affinity":
    case "retry":
      return null;
    default:
      return never(choice);
  }
}

export function readVerdict(verdict: Verdict): string | number | null {
  switch (verdict.type) {
    case "chosen":
      return readChoice(verdict.by);
    case "available":
      return verdict.halfOpen ? "half-open" : null;
    case "cooling_down":
      return verdict.probeAt ?? verdict.until;
    case "cooling_down_for_model":
      return verdict.model;
    case "half_open":
      return verdict.lease;
    case "held":
      return verdict.until ?? null;
    case "at_cap":
      return verdict.cap - verdict.inFlight;
    case "due_for_refresh":
      return verdict.intent ?? null;
    case "unreachable":
      return verdict.until;
    case "dead":
      return readCause(verdict.cause);
    case "expired":
    case "no_secret":
    case "unusable_secret":
    case "failed":
      return null;
    default:
      return never(verdict);
  }
}

function readCause({ kind, status, at, hint }: Cause): string | number | null {
  return kind ?? status ?? at ?? hint ?? null;
}

export function readState(state: State): number | null {
  switch (state.type) {
    case "available":
    case "expired":
    case "no_secret":
    case "unusable_secret":
    case "dead":
      return null;
    case "cooling_down":
      return state.errorCode ?? state.until;
    case "unreachable":
      return state.until;
    default:
      return never(state);
  }
}

export const outcomes: Outcome[] = [
  { type: "saved" },
  { type: "failed" },
  { type: "tokens", set: { access_token: "new", refresh_token: "next", expires_at_ms: Date.now() } },
  { type: "refused" },
  { type: "unreachable" },
  { type: "lost" },
  { type: "response", status: 200, body: "{}" },
  { type: "response", status: 429, headers: new Headers({ "Retry-After": "12" }), body: "" },
  { type: "response", status: 400, headers: [["Content-Type", "application/json"]], body: "{}" },
];

export const requests: LeaseRequest[] = [{}, { model: null }, { affinity: "session", patienceMs: 0 }];

const described: LoginConfig = { client_id: "c", token_url: "https://a.test", parameters: { audience: "a" } };
export const logins: LoginOptions[] = [
  { key: "nous" },
  { key: "custom:a", config: { model: {}, credential_pool_logins: { "custom:a": described } }, flow: null },
];

export const policies: Policy[] = [
  { sole_cooldown_ms: null, affinity: { max_load_percent: 150 } },
  { max_in_flight: { hard: 2 }, failures: { unknown: { action: "rotate", retries: 2 } } },
];

const by = { at: 1_775_757_580_463_000, host: "5e1f" };
export const leaseChanges: Change[] = [
  { by, type: "status", id: "a", status: "exhausted", at: 1, errorCode: 429 },
  { by, type: "status", id: "a", status: "exhausted", at: 1, errorCode: 429, reason: "quota", resetAt: 2, ends: [by] },
  { by, type: "status", id: "a", status: null, at: null, errorCode: null, endsEarlier: true },
  { by, type: "model_cooldown", id: "a", model: "small", until: 1_775_757_580.5 },
  { by, type: "tokens", id: "a", generation: { edits: 1, refreshes: 0 }, set: { access_token: "k" } },
  { by, type: "claim", id: "a", token: "0a1b" },
  { by, type: "release", id: "a", claim: by },
  { by, type: "set_policy", policy: { preset: "reference" } },
  { by, type: "sign_off" },
];

export function misuse(selection: Selection, settled: Settled, move: NextMove): void {
  // @ts-expect-error a pool is opened, not constructed
  new CredentialPool();
  // @ts-expect-error a pool has a key
  CredentialPool.open({});
  // @ts-expect-error a time is a number
  pool.select(new Date());
  // @ts-expect-error a credential has an id
  pool.rotate({ status: 429 });
  // @ts-expect-error a status is a number
  pool.rotate("a1b2c3", { status: "429" });
  // @ts-expect-error no strategy has this name
  pool.setStrategy("newest");
  // @ts-expect-error an intent is settled by its number
  pool.settle("1", { type: "saved" });
  // @ts-expect-error an outcome has a known type
  pool.settle(1, { type: "done" });
  // @ts-expect-error the outcome contains new tokens
  pool.settle(1, { type: "tokens" });
  // @ts-expect-error a refresh sets tokens, and no label
  pool.settle(1, { type: "tokens", set: { access_token: "new", label: "mine" } });
  // @ts-expect-error a response has a status
  pool.settle(1, { type: "response", body: "" });
  // @ts-expect-error a request names no credential
  pool.lease({ credential: "a1b2c3" });
  // @ts-expect-error a lease is reported by its number
  pool.report({ type: "use", lease: 1, credential: "a" }, { status: 200 });
  // @ts-expect-error a report contains the response
  pool.report(1);
  // @ts-expect-error `resume` and `report` are not the same
  pool.resume(1, { status: 200 });
  // @ts-expect-error a policy has these fields
  pool.setPolicy({ patienceMs: 1 });
  // @ts-expect-error a rule has a known action
  pool.setPolicy({ failures: { quota: { action: "explode" } } });
  // @ts-expect-error a request that ended has no lease
  same<number>(move.lease);
  // @ts-expect-error a field that rows store has its type
  pool.add({ priority: "first" });
  // @ts-expect-error only some selections have a credential
  same<string>(selection.credential);
  // @ts-expect-error only an exhausted selection has `retryAt`
  same<number>(settled.retryAt);
  // @ts-expect-error entries hold no secret
  pool.entries()[0]?.access_token;
  // @ts-expect-error a step is read-only
  pool.select().intents.push({ type: "persist", id: 1, changes: [] });
  // @ts-expect-error a login is started, not constructed
  new CredentialLogin();
  // @ts-expect-error no flow has this name
  CredentialLogin.start({ key: "nous", flow: "password" });
  // @ts-expect-error a client has an id
  logins.push({ key: "nous", config: { credential_pool_logins: { nous: { token_url: "https://a.test" } } } });
  // @ts-expect-error a person is shown what to do
  void logIn({ key: "nous" });
  // @ts-expect-error an error's code is one of a list
  new PoolError("oops", "message");
}

function same<T>(value: T): T {
  return value;
}

function never(value: never): never {
  throw new TypeError(`unexpected: ${JSON.stringify(value)}`);
}

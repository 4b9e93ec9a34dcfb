/** What the package's types promise: this compiles, and each `@ts-expect-error` is an error. */

import {
  applyChanges,
  applyToDocument,
  checkDocument,
  CredentialPool,
  customPools,
  emptyDocument,
  PoolError,
  poolKeyForBaseUrl,
  pools,
  readDocument,
  wanted,
} from "credential-pool";
import type {
  Change,
  Entry,
  Intent,
  Outcome,
  PersistIntent,
  Problem,
  RefreshIntent,
  Row,
  Selection,
  Settled,
  State,
  Step,
  Strategy,
  Wake,
} from "credential-pool";

const { stored, documentLogins } = readDocument(emptyDocument(), "anthropic");
const { pool, value, intents, wake } = CredentialPool.open({
  key: "anthropic",
  stored,
  sources: { env: process.env, config: {}, fileLogins: { claude_code: { accessToken: "a" } }, documentLogins },
  now: Date.now(),
  host: { now: Date.now, random: (length) => crypto.getRandomValues(new Uint8Array(length)) },
});

same<boolean>(value.hasCredentials);
same<Problem[]>(value.problems);
same<readonly Intent[]>(intents);
same<Wake | null>(wake);

same<Step<Selection>>(pool.select());
same<Step<Selection>>(pool.select(Date.now()));
same<Step<Selection>>(pool.rotate("a1b2c3", { status: 429 }));
same<Step<Selection>>(pool.rotate("a1b2c3", { status: null }, Date.now()));
same<Step<Selection>>(pool.rotate("a1b2c3", {}));
same<Step<{ credential: string; intent: number }>>(pool.refresh("a1b2c3"));
same<Step<null>>(pool.markUsed("a1b2c3"));
same<Step<Settled>>(pool.settle(1, { type: "saved" }));
same<Step<null>>(pool.tick());
same<Step<null>>(pool.flush());
same<Step<string>>(pool.add({ access_token: "sk", some_other_field: [1] }));
same<Step<null>>(pool.update("a1b2c3", { label: null }));
same<Step<null>>(pool.remove("a1b2c3"));
same<Step<null>>(pool.moveTo("a1b2c3", 0));
same<Step<number>>(pool.reset());
same<Step<number>>(pool.reset(undefined));
same<Step<number>>(pool.reset("a1b2c3", Date.now()));
same<Step<null>>(pool.setStrategy("least_used"));

same<string | null>(pool.current());
same<string | null>(pool.peek());
same<Entry[]>(pool.entries());
same<Row[]>(pool.rows());
same<unknown[]>(pool.setAside());
same<{ key: string; baseUrl: string | null }>(pool.runtime("a1b2c3"));
same<boolean>(pool.hasCredentials());
same<Intent[]>(pool.outstanding());
same<Wake | null>(pool.wake());
same<Strategy>(pool.strategy());
same<string>(pool.key());
pool.free();

const changes: Change[] = [{ type: "used", id: "a1b2c3", count: 1 }];
same<string>(applyToDocument(emptyDocument(), "anthropic", changes));
same<unknown[] | undefined>(applyChanges("anthropic", stored, changes).rows);
same<Problem[]>(checkDocument("{}", Date.now()));
same<string[]>(pools("{}"));
same<string[]>(customPools("{}"));
same<string[]>(wanted("anthropic").env);
same<string | null>(poolKeyForBaseUrl("http://127.0.0.1", {}));

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
    case "benched":
      return settled.credential;
    case "unrefreshed":
      return settled.retryAt;
    default:
      return never(settled);
  }
}

export function readState(state: State): number | null {
  switch (state.type) {
    case "available":
    case "dead":
      return null;
    case "exhausted":
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
];

export function misuse(selection: Selection, settled: Settled): void {
  // @ts-expect-error a pool is opened, not constructed
  new CredentialPool();
  // @ts-expect-error a pool has a key
  CredentialPool.open({});
  // @ts-expect-error a time is a number
  pool.select(new Date());
  // @ts-expect-error a credential is named
  pool.rotate({ status: 429 });
  // @ts-expect-error a status is a number
  pool.rotate("a1b2c3", { status: "429" });
  // @ts-expect-error no strategy has this name
  pool.setStrategy("newest");
  // @ts-expect-error an intent is settled by its number
  pool.settle("1", { type: "saved" });
  // @ts-expect-error an outcome has a known type
  pool.settle(1, { type: "done" });
  // @ts-expect-error new tokens come along
  pool.settle(1, { type: "tokens" });
  // @ts-expect-error a refresh sets tokens, and no label
  pool.settle(1, { type: "tokens", set: { access_token: "new", label: "mine" } });
  // @ts-expect-error a field that rows store has its type
  pool.add({ priority: "first" });
  // @ts-expect-error which credential it is stands in some answers only
  same<string>(selection.credential);
  // @ts-expect-error when to try again stands in one answer only
  same<number>(settled.retryAt);
  // @ts-expect-error entries hold no secret
  pool.entries()[0]?.access_token;
  // @ts-expect-error a step is not to be changed
  pool.select().intents.push({ type: "persist", id: 1, changes: [] });
  // @ts-expect-error an error's code is one of a list
  new PoolError("oops", "message");
}

function same<T>(value: T): T {
  return value;
}

function never(value: never): never {
  throw new TypeError(`unexpected: ${JSON.stringify(value)}`);
}

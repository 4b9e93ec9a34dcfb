/** A host for those who want none: one object that serves requests with a pool's credentials. */

import { answerOf, answerOfError } from "./answers.js";
import { CredentialPool } from "./credential_pool.js";
import { PoolError } from "./host.js";
import { LONGEST_TIMER_MS, Runner } from "./runner.js";
import type { Store } from "./store.js";
import type {
  Event, Host, LeaseRequest, Millis, NextMove, Policy, Problem, Response as Answer, Sources, Step, Strategy,
} from "./types.js";

/** How a pool is opened. */
export interface OpenPoolOptions {
  /** Names the pool: a provider such as `openrouter`, or `custom:<name>`. */
  key: string;
  /** Where its credentials are kept. */
  store: Store;
  /** What credentials may be discovered in, such as `{ env: process.env }`; the document's logins are always shown. */
  sources?: Omit<Sources, "documentLogins">;
  /** How the next credential is chosen; stored. */
  strategy?: Strategy;
  /** How failures are judged; stored. */
  policy?: Policy;
  /** Where requests with a relative URL go if the credential does not say. */
  baseUrl?: string;
  /** Puts a credential into a request. By default as `Authorization: Bearer <key>`. */
  authorize?: (headers: Headers, credential: ServingCredential) => void;
  /** Sends requests and refreshes. By default the global `fetch`. */
  fetch?: typeof fetch;
  /** Clock and randomness. */
  host?: Host;
  /** Is told of what happens to credentials, and why. For logs. */
  onEvent?: (event: Event) => void;
  /**
   * Is told if the store cannot be read or written, most often with a `StoreError`. What was not written is kept, and
   * written as soon as it can be. By default a warning on the console.
   */
  onProblem?: (problem: unknown) => void;
}

/** What a request is served with. */
export interface ServingCredential {
  /** Names it in the pool. */
  id: string;
  /** The key or token that the request carries. */
  key: string;
  /** Where the request goes; null if nobody says. */
  baseUrl: string | null;
}

/** What a request wants, and what ends it. */
export interface RunOptions extends LeaseRequest {
  /** Ends the request, whatever it waits for. */
  signal?: AbortSignal | null;
}

/** Why a request was not sent, or not again. */
export type UnservedErrorCode =
  /** No credential can serve it in time; `retryAt` says when the first can. */
  | "exhausted"
  /** The pool has no credentials. */
  | "empty"
  /** The pool was closed. */
  | "closed";

interface Found {
  retryAt?: Millis | null;
  last?: unknown;
  cause?: unknown;
}

/** A request was not served, and no answer of the provider is left that would tell more. */
export class UnservedError extends Error {
  /** What went wrong, for programs. */
  readonly code: UnservedErrorCode;
  /** When the first credential is back; null if none comes back by itself. */
  readonly retryAt: Millis | null;
  /** What the last attempt came back with, if one was made: a fetch response, or what `run`'s function answered. */
  readonly last: unknown;

  constructor(code: UnservedErrorCode, { retryAt = null, last, cause }: Found = {}) {
    super(code === "exhausted" ? exhausted(retryAt) : MESSAGES[code], cause === undefined ? undefined : { cause });
    this.name = "UnservedError";
    this.code = code;
    this.retryAt = retryAt;
    this.last = last;
  }
}

/**
 * Opens a pool on what its store keeps.
 *
 * @throws {StoreError} If the store cannot be read. One that cannot be written is a matter of `onProblem`.
 * @throws {PoolError} `invalid_argument`, `unknown_strategy`, `invalid_policy`.
 */
export async function openPool(options: OpenPoolOptions): Promise<OpenPool> {
  const { key, store, sources, strategy, policy, host } = options;
  const { stored, documentLogins } = await store.read(key);
  const opening = { key, stored, sources: { ...sources, documentLogins }, ...(host && { host }) };
  const { pool: core, ...opened } = CredentialPool.open(opening);
  const pool = new OpenPool(core, opened.value.problems, options);
  await pool.do(() => opened);
  try {
    if (strategy !== undefined) await pool.do(() => core.setStrategy(strategy));
    if (policy !== undefined) await pool.do(() => core.setPolicy(policy));
  } catch (error) {
    await pool.close().catch(() => {});
    throw error;
  }
  return pool;
}

/** A pool with a host: `openPool` makes one. */
export class OpenPool {
  /** The pool itself, to look at: `entries`, `explain`, `policy`, … What changes it goes through `do`. */
  readonly core: CredentialPool;
  /** What a person should look at; rows with an error were set aside and stay as they are. */
  readonly problems: readonly Problem[];

  readonly #options: OpenPoolOptions;
  readonly #fetch: typeof fetch;
  readonly #now: () => Millis;
  readonly #runner: Runner;
  /** The requests under way, and what ends them. */
  readonly #underWay = new Map<Promise<unknown>, AbortController>();
  #isOpen = true;

  /** @internal */
  constructor(core: CredentialPool, problems: readonly Problem[], options: OpenPoolOptions) {
    this.core = core;
    this.problems = problems;
    this.#options = options;
    this.#fetch = options.fetch ?? ((...request) => fetch(...request));
    this.#now = options.host?.now ?? Date.now;
    this.#runner = new Runner(core, {
      store: options.store,
      fetch: this.#fetch,
      now: this.#now,
      onEvent: options.onEvent ?? (() => {}),
      onProblem: options.onProblem ?? ((problem) => console.warn(`credential-pool: ${problem}`)),
    });
  }

  /** Whether there are changes that were to be written and are not yet. Use counts wait for company first. */
  get unsaved(): boolean {
    return this.#runner.isUnsaved;
  }

  /**
   * `fetch` with the pool's credentials: rotates, waits, refreshes and retries as the pool says. It can be handed to
   * any client that takes a `fetch`.
   *
   * A body that is a stream is read into memory first, so that it can be sent again. The answer is resolved with as
   * soon as its head is there, its body untouched: what happens to that later is not the pool's.
   *
   * @param url A relative one is looked for below the credential's base URL.
   * @param init As for `fetch`. Its `signal` ends the request, whatever it waits for.
   * @param request What the pool should know of the request.
   * @returns The answer of a request that was served, or one that no other credential would change.
   * @throws {UnservedError} `exhausted`, `empty`, `closed`; or what `fetch` or the signal says.
   */
  readonly fetch = async (url: string | URL, init: RequestInit = {}, request: LeaseRequest = {}): Promise<Response> => {
    const sent = isStream(init.body) ? { ...init, body: await new Response(init.body).arrayBuffer() } : init;
    // What is no request is a mistake, and not the network's.
    new Request(below("http://localhost", url), sent);
    const { authorize = bearer } = this.#options;
    const attempt = async (credential: ServingCredential, signal: AbortSignal): Promise<Attempt<Response>> => {
      const [to, headers] = [below(credential.baseUrl, url), new Headers(sent.headers)];
      authorize(headers, credential);
      try {
        const value = await this.#fetch(to, { ...sent, headers, signal });
        return { value, answer: await answerOf(value) };
      } catch (error) {
        signal.throwIfAborted();
        return { error, answer: {} };
      }
    };
    return this.#track(attempt, { ...request, signal: init.signal ?? null });
  };

  /**
   * Runs a function with a credential, and again with it or another one as the pool says, until the request is served
   * or cannot be.
   *
   * @param attempt Sends the request. If what it answers, or the error that it throws, has a `status` (a fetch
   *   response, the errors of the OpenAI and Anthropic clients), that is the provider's answer; an error of the network
   *   is none; whatever else it answers was served, and whatever else it throws ends the request.
   * @returns What the function answered: of a request that was served, or that no other credential would change.
   * @throws {UnservedError} `exhausted`, `empty`, `closed`; or what the function last threw, or the signal's reason.
   */
  async run<T>(
    attempt: (credential: ServingCredential, signal: AbortSignal) => Promise<T>,
    request: RunOptions = {},
  ): Promise<T> {
    const judged = async (credential: ServingCredential, signal: AbortSignal): Promise<Attempt<T>> => {
      try {
        const value = await attempt(credential, signal);
        return { value, answer: await answerOf(value) };
      } catch (error) {
        const answer = await answerOfError(error);
        if (answer === undefined) throw error;
        return { error, answer };
      }
    };
    return this.#track(judged, request);
  }

  /**
   * Carries out any input of the pool, such as `pool.do((core) => core.add({ access_token }))`; answers its value when
   * its changes were written and its refreshes have ended. If they could not be written, `onProblem` was told and
   * `unsaved` is true.
   *
   * @throws {PoolError} What the input throws; nothing changed then.
   */
  async do<T>(input: (core: CredentialPool) => Step<T>): Promise<T> {
    const step = input(this.core);
    await this.#runner.carryOut(step);
    return step.value;
  }

  /**
   * Takes no more requests, waits for those under way and for refreshes, and writes what is unsaved.
   *
   * @param options.timeoutMs Ends the requests that are still under way then; else they are waited for.
   * @throws {StoreError} What is unsaved could not be written; `close` may be called again.
   */
  async close({ timeoutMs = LONGEST_TIMER_MS }: { timeoutMs?: Millis } = {}): Promise<void> {
    this.#isOpen = false;
    const end = (): void => this.#underWay.forEach((ending) => ending.abort(new UnservedError("closed")));
    const timer = setTimeout(end, timeoutMs);
    await Promise.allSettled(this.#underWay.keys());
    clearTimeout(timer);
    await this.#runner.close();
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A request that `close` knows of. */
  async #track<T>(attempt: Attempting<T>, { signal, ...request }: RunOptions): Promise<T> {
    if (!this.#isOpen) throw new UnservedError("closed");
    const ending = new AbortController();
    const served = this.#serve(attempt, request, signal ? AbortSignal.any([signal, ending.signal]) : ending.signal);
    this.#underWay.set(served, ending);
    return served.finally(() => this.#underWay.delete(served));
  }

  async #serve<T>(attempt: Attempting<T>, request: LeaseRequest, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    let last: Attempt<T> | undefined;
    let move = this.#runner.take(this.core.lease(request));
    try {
      while ("lease" in move) {
        if (move.type === "use") {
          const credential = this.#credential(move.credential);
          last = await unlessAborted(attempt(credential, signal), signal);
          move = this.#report(move.lease, last.answer);
        } else {
          if (move.type === "refresh") await unlessAborted(this.#runner.refreshed(move.credential), signal);
          else await sleep(move.until - this.#now(), signal);
          move = this.#runner.take(this.core.resume(move.lease));
          // The process slept.
          if (move.type === "late") move = this.#runner.take(this.core.lease(request));
        }
      }
    } finally {
      if ("lease" in move) this.#release(move.lease);
    }
    const isOver = move.type === "exhausted" || move.type === "empty";
    if (last === undefined || isOver) throw unserved(move, last);
    if ("error" in last) throw last.error;
    return last.value;
  }

  #credential(id: string): ServingCredential {
    const { key, baseUrl } = this.core.runtime(id);
    return { id, key, baseUrl: baseUrl ?? this.#options.baseUrl ?? null };
  }

  #report(lease: number, answer: Answer): NextMove {
    try {
      return this.#runner.take(this.core.report(lease, answer));
    } catch (error) {
      return ifForgotten(error, { type: "late", served: false });
    }
  }

  #release(lease: number): void {
    try {
      this.#runner.take(this.core.release(lease));
    } catch (error) {
      ifForgotten(error, null);
    }
  }
}

/** What an attempt came back with, and how the pool sees it. */
type Attempt<T> = { readonly answer: Answer } & ({ readonly value: T } | { readonly error: unknown });

type Attempting<T> = (credential: ServingCredential, signal: AbortSignal) => Promise<Attempt<T>>;

const MESSAGES = {
  empty: "the pool has no credentials: add one",
  closed: "the pool was closed",
};

function exhausted(retryAt: Millis | null): string {
  const isOver = retryAt === null;
  const when = isOver ? "add one, or log in again" : `the first is back at ${new Date(retryAt).toISOString()}`;
  return `no credential can serve the request: ${when}`;
}

function unserved(move: NextMove, last: Attempt<unknown> | undefined): UnservedError {
  const found = last === undefined ? {} : "error" in last ? { cause: last.error } : { last: last.value };
  return move.type === "exhausted"
    ? new UnservedError("exhausted", { ...found, retryAt: move.retryAt })
    : new UnservedError("empty", found);
}

/** A lease that ran out long ago is forgotten, and nothing is left to be told of it. */
function ifForgotten<T>(error: unknown, answer: T): T {
  if (error instanceof PoolError && (error.code === "unknown_lease" || error.code === "lease_ended")) return answer;
  throw error;
}

/** Whether a body can be sent once only. */
function isStream(body: unknown): body is ReadableStream {
  return body instanceof ReadableStream || (typeof body === "object" && body !== null && Symbol.asyncIterator in body);
}

function bearer(headers: Headers, { key }: ServingCredential): void {
  headers.set("Authorization", `Bearer ${key}`);
}

/** A URL below another one, whether either has a slash there or not. */
function below(base: string | null, url: string | URL): URL {
  if (url instanceof URL || URL.canParse(url)) return new URL(url);
  if (base === null) throw new TypeError("no base URL is known: use an absolute URL, or open the pool with `baseUrl`");
  return new URL(url.replace(/^\/+/, ""), base.replace(/\/*$/, "/"));
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

async function sleep(ms: Millis, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = Math.min(Math.max(ms, 0), LONGEST_TIMER_MS);
  try {
    await unlessAborted(new Promise<void>((resolve) => (timer = setTimeout(resolve, wait))), signal);
  } finally {
    clearTimeout(timer);
  }
}

/** A complete host: one object that serves requests with a pool's credentials. */

import { CredentialPool } from "../credential_pool.js";
import { PoolError } from "../core/errors.js";
import type {
  Event, Host, LeaseRequest, Millis, NextMove, Policy, Problem, Response as Answer, Sources, Step, Strategy,
} from "../core/types.js";
import type { Store } from "../stores/store.js";
import { responseIn, responseInError } from "./responses.js";
import { MAX_TIMER_MS, Runner } from "./runner.js";

/** Options of `openPool`. */
export interface OpenPoolOptions {
  /** Key of the pool: a provider such as `openrouter`, or `custom:<name>`. */
  key: string;
  /** Storage of the pool. */
  store: Store;
  /** Places that discovery reads, such as `{ env: process.env }`; the document's logins are always included. */
  sources?: Omit<Sources, "documentLogins">;
  /** Order in which credentials are chosen; stored. */
  strategy?: Strategy;
  /** Effect of failures; stored. */
  policy?: Policy;
  /** Base of relative URLs, for credentials without a base URL. */
  baseUrl?: string;
  /** Puts a credential into a request. By default sets `Authorization: Bearer <key>`. */
  authorize?: (headers: Headers, credential: ServingCredential) => void;
  /** Sends requests and refreshes. By default the global `fetch`. */
  fetch?: typeof fetch;
  /** Clock and randomness. */
  host?: Host;
  /** Receives events of credentials. For logs. */
  onEvent?: (event: Event) => void;
  /**
   * Receives problems of the store, usually a `StoreError`. Unwritten changes are kept and written as soon as possible.
   * By default logs a warning on the console.
   */
  onProblem?: (problem: unknown) => void;
}

/** A credential as a request uses it. */
export interface ServingCredential {
  /** Id of the credential in the pool. */
  id: string;
  /** Key or token of the request. */
  key: string;
  /** Base URL of the request; null if neither the row nor the options have one. */
  baseUrl: string | null;
}

/** Options of a request. */
export interface RunOptions extends LeaseRequest {
  /** Ends the request at any point. */
  signal?: AbortSignal | null;
}

/** Reasons for which a request was not sent, or not sent again. */
export type UnservedErrorCode =
  /** No credential can serve the request in time; `retryAt` is the time at which the first can. */
  | "exhausted"
  /** The pool has no credentials. */
  | "empty"
  /** The pool was closed. */
  | "closed";

interface UnservedDetails {
  retryAt?: Millis | null;
  last?: unknown;
  cause?: unknown;
}

/** A request that was not served, and that has no response of the provider to return instead. */
export class UnservedError extends Error {
  /** Stable code, for programs. */
  readonly code: UnservedErrorCode;
  /** Time at which the first credential recovers; null if none does by itself. */
  readonly retryAt: Millis | null;
  /** Result of the last attempt: a fetch response, or the value of `run`'s function; undefined without an attempt. */
  readonly last: unknown;

  constructor(code: UnservedErrorCode, { retryAt = null, last, cause }: UnservedDetails = {}) {
    const message = code === "exhausted" ? exhaustedMessage(retryAt) : MESSAGES[code];
    super(message, cause === undefined ? undefined : { cause });
    this.name = "UnservedError";
    this.code = code;
    this.retryAt = retryAt;
    this.last = last;
  }
}

/**
 * Opens a pool on its stored state.
 *
 * @throws {StoreError} The store cannot be read. Failed writes are reported to `onProblem`.
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

/** A pool with its host. Made by `openPool`. */
export class OpenPool {
  /** The pool itself, for reading: `entries`, `explain`, `policy`, … Changes go through `do`. */
  readonly core: CredentialPool;
  /** Problems of the stored state. Rows with an error were set aside and stay in the store unchanged. */
  readonly problems: readonly Problem[];

  readonly #options: OpenPoolOptions;
  readonly #fetch: typeof fetch;
  readonly #now: () => Millis;
  readonly #runner: Runner;
  /** Requests under way, with the controllers that end them. */
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

  /** Whether a write is under way or has failed. Use counts are gathered before they are written. */
  get unsaved(): boolean {
    return this.#runner.isUnsaved;
  }

  /**
   * `fetch` with the pool's credentials: rotates, waits, refreshes and retries as the pool decides. Fits any client
   * that takes a `fetch`.
   *
   * A body that is a stream is read into memory first, so that it can be sent again. The promise resolves as soon as
   * the head of the response has come; the body is left to the caller.
   *
   * @param url Absolute, or relative to the credential's base URL.
   * @param init As for `fetch`. Its `signal` ends the request at any point.
   * @param request Model, affinity and patience.
   * @returns The response that served the request, or a failure that no other credential would change.
   * @throws {UnservedError} `exhausted`, `empty`, `closed`; or the error of `fetch`, or the signal's reason.
   */
  readonly fetch = async (url: string | URL, init: RequestInit = {}, request: LeaseRequest = {}): Promise<Response> => {
    const sent = isStream(init.body) ? { ...init, body: await new Response(init.body).arrayBuffer() } : init;
    // An invalid request is an error of the caller and throws here, before any attempt.
    new Request(below("http://localhost", url), sent);
    const { authorize = bearer } = this.#options;
    const attempt = async (credential: ServingCredential, signal: AbortSignal): Promise<Attempt<Response>> => {
      const [to, headers] = [below(credential.baseUrl, url), new Headers(sent.headers)];
      authorize(headers, credential);
      try {
        const value = await this.#fetch(to, { ...sent, headers, signal });
        return { value, answer: await responseIn(value) };
      } catch (error) {
        signal.throwIfAborted();
        return { error, answer: {} };
      }
    };
    return this.#track(attempt, { ...request, signal: init.signal ?? null });
  };

  /**
   * Runs a function with a credential, and again with the same or another credential as the pool decides, until the
   * request is served or cannot be served.
   *
   * @param attempt Sends the request. A `status` of its value or its error (a fetch response, the errors of the OpenAI
   *   and Anthropic clients) is the provider's response. An error of the network means that no response came. Any other
   *   value counts as served; any other error ends the request.
   * @returns The function's value, for a request that was served or that no other credential would change.
   * @throws {UnservedError} `exhausted`, `empty`, `closed`; or the function's last error, or the signal's reason.
   */
  async run<T>(
    attempt: (credential: ServingCredential, signal: AbortSignal) => Promise<T>,
    request: RunOptions = {},
  ): Promise<T> {
    const judged = async (credential: ServingCredential, signal: AbortSignal): Promise<Attempt<T>> => {
      try {
        const value = await attempt(credential, signal);
        return { value, answer: await responseIn(value) };
      } catch (error) {
        const answer = await responseInError(error);
        if (answer === undefined) throw error;
        return { error, answer };
      }
    };
    return this.#track(judged, request);
  }

  /**
   * Carries out any input of the pool, such as `pool.do((core) => core.add({ access_token }))`. Resolves with its value
   * once its changes are written and its refreshes have ended. After a failed write `onProblem` was called and
   * `unsaved` is true.
   *
   * @throws {PoolError} The input was refused; the pool is unchanged.
   */
  async do<T>(input: (core: CredentialPool) => Step<T>): Promise<T> {
    const step = input(this.core);
    await this.#runner.carryOut(step);
    return step.value;
  }

  /**
   * Refuses further requests, waits for requests and refreshes under way, and writes unsaved changes.
   *
   * @param options.timeoutMs Time after which requests under way are ended, in milliseconds; by default `close` waits.
   * @throws {StoreError} The changes could not be written; `close` may be called again.
   */
  async close({ timeoutMs = MAX_TIMER_MS }: { timeoutMs?: Millis } = {}): Promise<void> {
    this.#isOpen = false;
    const end = (): void => this.#underWay.forEach((ending) => ending.abort(new UnservedError("closed")));
    const timer = setTimeout(end, timeoutMs);
    await Promise.allSettled(this.#underWay.keys());
    clearTimeout(timer);
    await this.#runner.close();
  }

  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Serves a request, and lists it for `close` meanwhile. */
  async #track<T>(attempt: AttemptFunction<T>, { signal, ...request }: RunOptions): Promise<T> {
    if (!this.#isOpen) throw new UnservedError("closed");
    const ending = new AbortController();
    const served = this.#serve(attempt, request, signal ? AbortSignal.any([signal, ending.signal]) : ending.signal);
    this.#underWay.set(served, ending);
    return served.finally(() => this.#underWay.delete(served));
  }

  async #serve<T>(attempt: AttemptFunction<T>, request: LeaseRequest, signal: AbortSignal): Promise<T> {
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
          // The lease expired while the process slept.
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
      return orIfLeaseUnknown(error, { type: "late", served: false });
    }
  }

  #release(lease: number): void {
    try {
      this.#runner.take(this.core.release(lease));
    } catch (error) {
      orIfLeaseUnknown(error, null);
    }
  }
}

/** Result of an attempt, and the response in it. */
type Attempt<T> = { readonly answer: Answer } & ({ readonly value: T } | { readonly error: unknown });

type AttemptFunction<T> = (credential: ServingCredential, signal: AbortSignal) => Promise<Attempt<T>>;

const MESSAGES = {
  empty: "the pool has no credentials: add a credential",
  closed: "the pool was closed",
};

function exhaustedMessage(retryAt: Millis | null): string {
  const when = retryAt === null
    ? "add a credential, or log in again"
    : `the first recovers at ${new Date(retryAt).toISOString()}`;
  return `no credential can serve the request: ${when}`;
}

function unserved(move: NextMove, last: Attempt<unknown> | undefined): UnservedError {
  const found = last === undefined ? {} : "error" in last ? { cause: last.error } : { last: last.value };
  return move.type === "exhausted"
    ? new UnservedError("exhausted", { ...found, retryAt: move.retryAt })
    : new UnservedError("empty", found);
}

/** Returns a value if the pool no longer knows the lease, which expired long ago. Throws any other error. */
function orIfLeaseUnknown<T>(error: unknown, answer: T): T {
  if (error instanceof PoolError && (error.code === "unknown_lease" || error.code === "lease_ended")) return answer;
  throw error;
}

/** Returns whether a body can be read only once. */
function isStream(body: unknown): body is ReadableStream {
  return body instanceof ReadableStream || (typeof body === "object" && body !== null && Symbol.asyncIterator in body);
}

function bearer(headers: Headers, { key }: ServingCredential): void {
  headers.set("Authorization", `Bearer ${key}`);
}

/** Returns a URL below a base, with one slash between them. An absolute URL is returned as it is. */
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
  const wait = Math.min(Math.max(ms, 0), MAX_TIMER_MS);
  try {
    await unlessAborted(new Promise<void>((resolve) => (timer = setTimeout(resolve, wait))), signal);
  } finally {
    clearTimeout(timer);
  }
}

/** A complete host: one object that serves requests with a pool's credentials. */

import { CredentialPool, readRequest } from "../credential_pool.js";
import { PoolError } from "../core/errors.js";
import type {
  Event, Host, LeaseRequest, Millis, NextMove, Policy, Problem, Response as Answer, Sources, Step, Strategy,
} from "../core/types.js";
import { isOneTimeBody, wholeBody } from "../http/bodies.js";
import type { Store } from "../stores/store.js";
import { authenticate, removeAuthentication } from "./authentication.js";
import { fetchWithRedirects, type Hop, UnsafeRedirectError } from "./redirects.js";
import { responseIn, responseInError } from "./responses.js";
import { MAX_TIMER_MS, Runner } from "./runner.js";
import { type ServingCredential, servingCredential } from "./serving-credential.js";

export type { ServingCredential } from "./serving-credential.js";

/** Options of `openPool`. */
export interface OpenPoolOptions {
  /** Key of the pool: a provider such as `openrouter`, or `custom:<name>`. */
  key: string;
  /** Storage of the pool. */
  store: Store;
  /**
   * Places that discovery reads, such as `{ env: process.env }`; the document's logins are always included. A function
   * that reads them is called again around each refresh: another program may have refreshed a login that it keeps in a
   * file of its own, and its older refresh token is spent then.
   */
  sources?: ShownSources | (() => ShownSources | Promise<ShownSources>);
  /** Order in which credentials are chosen; stored. */
  strategy?: Strategy;
  /** Effect of failures; stored. */
  policy?: Policy;
  /** Base URL of credentials without a base URL of their own. By default the provider's. */
  baseUrl?: string;
  /**
   * Origins, such as `https://files.example`, to which the keys may be sent beside the base URLs. Absolute URLs elsewhere
   * are refused.
   */
  origins?: readonly string[];
  /**
   * Puts a credential into a request, in place of the provider's authentication (`Authorization: Bearer`, `x-api-key`,
   * … by provider and kind of key).
   */
  authorize?: (headers: Headers, credential: ServingCredential) => void;
  /** Sends requests and refreshes. By default the global `fetch`. */
  fetch?: typeof fetch;
  /** Clock and randomness. */
  host?: Host;
  /** Receives events of credentials. For logs. An error that it throws goes to `onProblem`. */
  onEvent?: (event: Event) => void;
  /**
   * Receives problems of the store, usually a `StoreError`. Unwritten changes are kept and written as soon as possible.
   * By default logs a warning on the console.
   */
  onProblem?: (problem: unknown) => void;
}

/** Places that discovery reads; a place that is not shown changes nothing. */
export type ShownSources = Omit<Sources, "documentLogins">;

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
  const shown = typeof sources === "function" ? await sources() : sources;
  const opening = { key, stored, sources: { ...shown, documentLogins }, ...(host && { host }) };
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
    const { sources } = options;
    this.#runner = new Runner(core, {
      store: options.store,
      fetch: this.#fetch,
      sources: typeof sources === "function" ? async () => sources() : undefined,
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
   * the head of the response has come; the body is left to the caller. Of a failure the start of the body is read from a
   * copy. A redirect to another origin is followed without the key.
   *
   * @param url Relative to the credential's base URL; or absolute and below any credential's base URL, which is replaced
   *   by that of the credential that serves; or of one of `origins`.
   * @param init As for `fetch`. Its `signal` ends the request at any point.
   * @param request Model, affinity and patience. The model is by default that of the request's URL or JSON body
   *   (`readRequest`).
   * @returns The response that served the request, or a failure that no other credential would change.
   * @throws {UnservedError} `exhausted`, `empty`, `closed`; or the error of `fetch`, or the signal's reason.
   * @throws {PoolError} `foreign_origin`: the URL leads elsewhere. `invalid_argument`: it is no URL, or no base URL is known.
   */
  readonly fetch = async (url: string | URL, init: RequestInit = {}, request: LeaseRequest = {}): Promise<Response> => {
    return this.#track(init.signal, async (ending) => {
      const body = isOneTimeBody(init.body) ? await wholeBody(init.body, ending) : init.body;
      const sent = { ...init, ...(body === undefined ? {} : { body }) };
      // An invalid request is an error of the caller and throws here, before any attempt.
      new Request("http://localhost", sent);
      const attempt = async (credential: ServingCredential, signal: AbortSignal): Promise<Attempt<Response>> => {
        const hop = this.#request(credential, url, { ...sent, signal });
        try {
          const value = await this.#send(hop, credential);
          const discard = (): void => void (value.body?.locked || value.body?.cancel().catch(() => {}));
          return { value, answer: await responseIn(value), discard };
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof UnsafeRedirectError) throw error;
          return { error, answer: {} };
        }
      };
      const address = url instanceof URL ? url.href : url;
      const model = request.model ?? readRequest(address, [...new Headers(init.headers)], textOf(body)).model ?? null;
      return this.#serve(attempt, { ...request, model }, ending);
    });
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
    { signal, ...request }: RunOptions = {},
  ): Promise<T> {
    const judged = async (credential: ServingCredential, ending: AbortSignal): Promise<Attempt<T>> => {
      try {
        const value = await attempt(credential, ending);
        return { value, answer: await responseIn(value) };
      } catch (error) {
        const answer = await responseInError(error);
        if (answer === undefined) throw error;
        return { error, answer };
      }
    };
    return this.#track(signal, (ending) => this.#serve(judged, request, ending));
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
    // The input may have made several steps and returned the last: with no write under way, nobody else writes their changes.
    const rest = this.#runner.isWriting ? [] : [this.core.flush()];
    await Promise.all([step, ...rest].map((step: Step<unknown>) => this.#runner.carryOut(step)));
    return step.value;
  }

  /**
   * Refuses further requests, waits for requests and refreshes under way, and writes unsaved changes.
   *
   * @param options.timeoutMs Time after which requests under way are ended and refreshes no longer waited for, in
   *   milliseconds; by default, and with `Infinity`, `close` waits. A refresh that was sent writes its tokens when they come.
   * @throws {StoreError} The changes could not be written; `close` may be called again.
   */
  async close({ timeoutMs = MAX_TIMER_MS }: { timeoutMs?: Millis } = {}): Promise<void> {
    this.#isOpen = false;
    const end = (): void => this.#underWay.forEach((ending) => ending.abort(new UnservedError("closed")));
    const late = new AbortController();
    late.signal.addEventListener("abort", end);
    const timer = setTimeout(() => late.abort(), Math.min(Math.max(timeoutMs, 0), MAX_TIMER_MS));
    try {
      await Promise.allSettled(this.#underWay.keys());
      await this.#runner.close(late.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Serves a request, and lists it for `close` meanwhile. */
  async #track<T>(
    signal: AbortSignal | null | undefined, serve: (ending: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (!this.#isOpen) throw new UnservedError("closed");
    const ending = new AbortController();
    const either = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal;
    either.throwIfAborted();
    const served = serve(either);
    this.#underWay.set(served, ending);
    return served.finally(() => this.#underWay.delete(served));
  }

  /** Returns a request with a credential: its address and its authentication. */
  #request({ id, key, baseUrl }: ServingCredential, url: string | URL, init: RequestInit): Hop {
    const { authorize, origins = [], baseUrl: shared = null } = this.#options;
    const to = new URL(this.core.address(id, url instanceof URL ? url.href : url, { baseUrl: shared, origins }));
    const headers = new Headers(init.headers);
    try {
      if (authorize === undefined) authenticate(to, headers, this.core.runtime(id).auth);
      else authorize(headers, servingCredential(id, key, baseUrl));
    } catch (error) {
      // Errors of `Headers` repeat the value.
      throw `${error instanceof Error ? error.stack : error}`.includes(key)
        ? new TypeError("the credential cannot be put into the request: a header cannot carry the value")
        : error;
    }
    return { url: to, init: { ...init, headers } };
  }

  #send(hop: Hop, { id, key }: ServingCredential): Promise<Response> {
    const { auth } = this.core.runtime(id);
    const strip = ({ url, init }: Hop): void => removeAuthentication(url, init.headers, key, auth);
    const isOnlyBearer = ({ url, init }: Hop): boolean =>
      ![url.href, ...[...init.headers].filter(([name]) => name !== "authorization").flat()].some((text) => text.includes(key));
    return fetchWithRedirects(this.#fetch, hop, strip, isOnlyBearer);
  }

  async #serve<T>(attempt: AttemptFunction<T>, request: LeaseRequest, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    let last: Attempt<T> | undefined;
    let move = this.#runner.take(this.core.lease(request));
    try {
      while ("lease" in move) {
        if (move.type === "use") {
          const credential = this.#credential(move.credential);
          last?.discard?.();
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
    return servingCredential(id, key, baseUrl ?? this.#options.baseUrl ?? null);
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

/** Returns the text of a body that is in memory; null for others. */
function textOf(body: unknown): string | null {
  if (typeof body === "string") return body;
  if (!(body instanceof ArrayBuffer || ArrayBuffer.isView(body))) return null;
  return new TextDecoder().decode(body);
}

/** Result of an attempt, and the response in it. `discard` ends a response that nobody will read. */
type Attempt<T> = { readonly answer: Answer; readonly discard?: () => void } & ({ readonly value: T } | { readonly error: unknown });

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

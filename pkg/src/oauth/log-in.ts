/** Carries out a login: sends its requests, waits, and listens for the browser's redirect. */

import { CredentialLogin } from "../credential_pool.js";
import { PoolError } from "../core/errors.js";
import type { HttpRequest, LoginFailure, LoginMove, LoginOptions, Response, Row } from "../core/types.js";
import { responseWithBody } from "../http/bodies.js";
import { listen, type Loopback, type Page } from "./loopback.js";

/** Task for a person: enter a code on any device (`show`), or open an address on this machine (`visit`). */
export type LoginPrompt = Extract<LoginMove, { type: "show" | "visit" }>;

/** Options of `logIn`. */
export interface LogInOptions extends Omit<LoginOptions, "now"> {
  /** Shows a task to a person. A returned promise is waited for; the person's action is not. */
  show: (prompt: LoginPrompt) => void | Promise<void>;
  /** Ends the login; `logIn` then throws its reason. */
  signal?: AbortSignal;
  /** Sends requests. @default `fetch` */
  fetch?: typeof fetch;
  /** Waits, and throws the signal's reason when the signal is aborted. @default a timer */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** A failed login; a new login may succeed. The message says what to do. */
export class LoginError extends Error {
  /** Stable reason, for programs. */
  readonly reason: LoginFailure;
  /** HTTP status of the provider's response; null if no response ended the login. */
  readonly status: number | null;

  constructor(reason: LoginFailure, message: string, status: number | null) {
    super(message);
    this.name = "LoginError";
    this.reason = reason;
    this.status = status;
  }
}

/**
 * Carries out a login, from the first request to the tokens.
 *
 * @returns The row for `pool.add`, including its secrets.
 * @throws {LoginError} The login failed.
 * @throws {PoolError} `invalid_login`, `login_unsupported`: the login cannot start.
 */
export async function logIn(
  { show, signal, fetch = globalThis.fetch, sleep = timer, ...options }: LogInOptions,
): Promise<Row> {
  const cancelled = signal ?? new AbortController().signal;
  const now = options.host?.now ?? Date.now;
  const { login, move } = CredentialLogin.start(options);
  let browser: Loopback<LoginMove> | undefined;
  /** Returns the move after the browser's redirect, if one is awaited, or after `until`. */
  const next = async (until: number): Promise<LoginMove> => {
    const isOver = new AbortController();
    const slept = sleep(Math.max(until - now(), 0), AbortSignal.any([cancelled, isOver.signal])).then(() => {
      isOver.signal.throwIfAborted();
      return login.resume();
    });
    try {
      return await Promise.race(browser === undefined ? [slept] : [browser.answered, slept]);
    } finally {
      isOver.abort();
    }
  };
  try {
    for (let at: LoginMove = move; ; cancelled.throwIfAborted()) {
      switch (at.type) {
        case "send":
          await browser?.close();
          browser = undefined;
          at = login.answer(await sent(at.request, fetch, cancelled));
          break;
        case "listen":
          browser = await listen(at, (url) => redirectAnswer(() => login.redirected(url)));
          at = login.listening(browser.port);
          break;
        case "show":
        case "visit":
          await show(at);
          at = await next(at.until);
          break;
        case "wait":
          at = await next(at.until);
          break;
        case "done":
          return at.row;
        case "failed":
          throw new LoginError(at.reason, at.message, at.status);
      }
    }
  } finally {
    await browser?.close();
    login.free();
  }
}

/** Sends a request. Returns an empty response if none came. */
async function sent(request: HttpRequest, send: typeof fetch, cancelled: AbortSignal): Promise<Response> {
  const { url, timeoutMs, ...init } = request;
  const signal = AbortSignal.any([cancelled, AbortSignal.timeout(timeoutMs)]);
  try {
    return await responseWithBody(await send(url, { ...init, redirect: "manual", signal }), timeoutMs);
  } catch {
    cancelled.throwIfAborted();
    return {};
  }
}

/** Returns the page for a browser's request, and the login's next move if the request was its redirect. */
function redirectAnswer(redirected: () => LoginMove): { page: Page; answer?: LoginMove } {
  try {
    const answer = redirected();
    const text = answer.type === "failed" ? answer.message : "Thank you. The login continues where it was started.";
    return { page: { status: 200, text }, answer };
  } catch (error) {
    if (!(error instanceof PoolError)) throw error;
    return { page: { status: 400, text: error.message } };
  }
}

function timer(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timeout);
      reject(signal.reason);
    };
    // A longer delay would end at once; no login waits for weeks.
    const timeout = setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, Math.min(ms, 2 ** 31 - 1));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}

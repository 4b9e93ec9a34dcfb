/** Carries out a login: sends what it asks for, waits, and listens for the browser. */

import { CredentialLogin } from "./credential_pool.js";
import { PoolError } from "./host.js";
import { listen, type Loopback, type Page } from "./loopback.js";
import type { HttpRequest, LoginFailure, LoginMove, LoginOptions, Response, Row } from "./types.js";

/** What a person is asked to do: type a code into a page (`show`), or open an address on this machine (`visit`). */
export type LoginPrompt = Extract<LoginMove, { type: "show" | "visit" }>;

/** How a login is carried out. */
export interface LogInOptions extends Omit<LoginOptions, "now"> {
  /** Shows a person what to do. The login goes on without waiting for them, but for a promise that this answers. */
  show: (prompt: LoginPrompt) => void | Promise<void>;
  /** Ends the login; `logIn` throws its reason then. */
  signal?: AbortSignal;
  /** Sends requests. @default `fetch` */
  fetch?: typeof fetch;
  /** Waits, and throws the signal's reason when that is aborted. @default a timer */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** A login did not come about; another one may. The message says what to do. */
export class LoginError extends Error {
  /** Why, for programs. */
  readonly reason: LoginFailure;
  /** The HTTP status of the provider's answer, if it was an answer. */
  readonly status: number | null;

  constructor(reason: LoginFailure, message: string, status: number | null) {
    super(message);
    this.name = "LoginError";
    this.reason = reason;
    this.status = status;
  }
}

/**
 * Makes a login, from the first request to the tokens.
 *
 * @returns The row for `pool.add`, secrets and all.
 * @throws {LoginError} It did not come about.
 * @throws {PoolError} `invalid_login`, `login_unsupported`: it cannot be begun.
 */
export async function logIn(
  { show, signal, fetch = globalThis.fetch, sleep = timer, ...options }: LogInOptions,
): Promise<Row> {
  const cancelled = signal ?? new AbortController().signal;
  const now = options.host?.now ?? Date.now;
  const { login, move } = CredentialLogin.start(options);
  let browser: Loopback<LoginMove> | undefined;
  /** What the browser's redirect, if one is awaited, or else the time leads to. */
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
          browser = await listen(at, (url) => answered(() => login.redirected(url)));
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

/** What came back for a request; nothing, if no answer came. */
async function sent(request: HttpRequest, send: typeof fetch, cancelled: AbortSignal): Promise<Response> {
  const { url, timeoutMs, ...init } = request;
  const signal = AbortSignal.any([cancelled, AbortSignal.timeout(timeoutMs)]);
  try {
    const response = await send(url, { ...init, redirect: "manual", signal });
    // If the connection broke after the status, this is what came.
    const body = await response.text().catch(() => "");
    return { status: response.status, headers: response.headers, body };
  } catch {
    cancelled.throwIfAborted();
    return {};
  }
}

/** What the browser is shown, and where the login goes if this was its redirect. */
function answered(redirected: () => LoginMove): { page: Page; answer?: LoginMove } {
  try {
    const answer = redirected();
    const text = answer.type === "failed" ? answer.message : "Thank you. The login goes on where it was begun.";
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
    // Longer ones would end at once; nothing here waits for weeks.
    const timeout = setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, Math.min(ms, 2 ** 31 - 1));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}

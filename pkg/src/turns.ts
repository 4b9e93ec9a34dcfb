/** Within one process: one action per name at a time, in the order in which they came. */

import { StoreError } from "./store.js";
import type { Millis } from "./types.js";

export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Runs an action when all earlier ones of that name have ended.
   *
   * @throws {StoreError} `locked`, if that takes longer than `waitMs`; or what the action throws.
   */
  async take<T>(name: string, waitMs: Millis, action: () => Promise<T>): Promise<T> {
    const earlier = this.#last.get(name);
    let end = (): void => {};
    const own = new Promise<void>((resolve) => (end = resolve));
    const last = earlier === undefined ? own : earlier.then(() => own);
    this.#last.set(name, last);
    try {
      if (earlier !== undefined && !(await endsWithin(earlier, waitMs))) throw locked(waitMs);
      return await action();
    } finally {
      end();
      void last.then(() => {
        if (this.#last.get(name) === last) this.#last.delete(name);
      });
    }
  }
}

/** What is said to those who waited in vain. */
export function locked(waitMs: Millis, what = "the lock"): StoreError {
  return new StoreError("locked", `${what} was held by others for ${waitMs / 1000} s: try again; nothing was written`);
}

async function endsWithin(promise: Promise<void>, ms: Millis): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

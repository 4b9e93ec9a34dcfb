/** A mutex per name within one process, first come, first served. */

import type { Millis } from "../core/types.js";
import { StoreError } from "./store.js";

export class KeyedMutex {
  /** Per name, a promise that resolves when all actions so far have ended. */
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Runs an action when all earlier actions of that name have ended.
   *
   * @throws {StoreError} `locked`, if that takes longer than `waitMs`; or the error of the action.
   */
  async run<T>(name: string, waitMs: Millis, action: () => Promise<T>): Promise<T> {
    const earlier = this.#last.get(name);
    let end = (): void => {};
    const own = new Promise<void>((resolve) => (end = resolve));
    const last = earlier === undefined ? own : earlier.then(() => own);
    this.#last.set(name, last);
    try {
      if (earlier !== undefined && !(await endsWithin(earlier, waitMs))) throw lockedError(waitMs);
      return await action();
    } finally {
      end();
      void last.then(() => {
        if (this.#last.get(name) === last) this.#last.delete(name);
      });
    }
  }
}

/** Returns the error for a lock that was not free in time. */
export function lockedError(waitMs: Millis, what = "the lock"): StoreError {
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

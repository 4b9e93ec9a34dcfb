/**
 * Listeners for changes by other writers. Each listener has the last state it was told, and hears of differences only.
 */

import type { Reading } from "../core/types.js";
import { readingOf } from "./document-text.js";
import type { StoreError } from "./store.js";

interface Listener {
  readonly key: string;
  readonly onChange: (reading: Reading) => void;
  readonly onProblem: ((problem: StoreError) => void) | undefined;
  /** The pool's state that the listener was told last, as JSON; undefined until the first comparison. */
  known: string | undefined;
}

export class ChangeListeners {
  readonly #all = new Set<Listener>();
  /** State that the store returned last, as JSON, by pool key. */
  readonly #lastRead = new Map<string, string>();

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** Adds a listener that knows the last state that was read of the pool. Returns a function that removes it. */
  add(
    key: string,
    onChange: (reading: Reading) => void,
    onProblem: ((problem: StoreError) => void) | undefined,
  ): () => void {
    const listener = { key, onChange, onProblem, known: this.#lastRead.get(key) };
    this.#all.add(listener);
    return () => void this.#all.delete(listener);
  }

  /** Returns the pool keys of all listeners. */
  keys(): string[] {
    return [...this.#all].map(({ key }) => key);
  }

  /** Tells the listeners of a problem. */
  tell(problem: StoreError): void {
    for (const listener of this.#all) {
      queueMicrotask(() => this.#all.has(listener) && listener.onProblem?.(problem));
    }
  }

  /** Records the state that the store returned, as the starting point of later listeners. */
  read(key: string, reading: Reading): void {
    this.#lastRead.set(key, JSON.stringify(reading));
  }

  /** Reports the document's text after a write of another writer. Returns whether the text is a document. */
  changed(text: string): boolean {
    return [...this.#all].map((listener) => this.#compare(listener, text, text)).includes(true);
  }

  /** Reports a write of the store itself: its text, and the text it replaced. */
  wrote(before: string, after: string): void {
    for (const listener of this.#all) this.#compare(listener, before, after);
  }

  /**
   * Calls a listener if the text that others left differs from its known state; `now` becomes its known state. Returns
   * false if a text is no document.
   */
  #compare(listener: Listener, left: string, now: string): boolean {
    const readings = this.#readings(listener.key, left, now);
    if (readings === undefined) return false;
    const isDifferent = listener.known !== undefined && listener.known !== JSON.stringify(readings.left);
    listener.known = JSON.stringify(readings.now);
    // A listener that throws must not end a commit.
    if (isDifferent) queueMicrotask(() => this.#all.has(listener) && listener.onChange(readings.now));
    return true;
  }

  /** Returns the pool's states in both texts; undefined if a text is no document. */
  #readings(key: string, left: string, now: string): { left: Reading; now: Reading } | undefined {
    try {
      const reading = readingOf(now, key, "");
      return { left: left === now ? reading : readingOf(left, key, ""), now: reading };
    } catch {
      return undefined;
    }
  }
}

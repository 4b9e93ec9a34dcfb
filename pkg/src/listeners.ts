/** Who wants to know of changes, and what they know already. */

import { readingOf } from "./stored-text.js";
import type { Reading } from "./types.js";

interface Listener {
  readonly key: string;
  readonly onChange: (reading: Reading) => void;
  /** The pool as the listener knows it; nothing until it is first looked at. */
  known: string | undefined;
}

export class Listeners {
  readonly #all = new Set<Listener>();
  readonly #read = new Map<string, string>();

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** A listener that knows what was last read of the pool. Answers how it is taken away. */
  add(key: string, onChange: (reading: Reading) => void): () => void {
    const listener = { key, onChange, known: this.#read.get(key) };
    this.#all.add(listener);
    return () => void this.#all.delete(listener);
  }

  /** The store has answered a reading, so that a listener who comes next knows it. */
  read(key: string, reading: Reading): void {
    this.#read.set(key, JSON.stringify(reading));
  }

  /** The document is now as somebody else wrote it. */
  changed(text: string): void {
    for (const listener of this.#all) this.#compare(listener, text, text);
  }

  /** The store itself has written `after` where it found `before`. */
  wrote(before: string, after: string): void {
    for (const listener of this.#all) this.#compare(listener, before, after);
  }

  /** Tells of a difference between what a listener knows and what others left; from now on it knows `now`. */
  #compare(listener: Listener, left: string, now: string): void {
    const readings = this.#readings(listener.key, left, now);
    if (readings === undefined) return;
    const isNews = listener.known !== undefined && listener.known !== JSON.stringify(readings.left);
    listener.known = JSON.stringify(readings.now);
    // A listener that throws must not end a commit.
    if (isNews) queueMicrotask(() => this.#all.has(listener) && listener.onChange(readings.now));
  }

  #readings(key: string, left: string, now: string): { left: Reading; now: Reading } | undefined {
    try {
      const reading = readingOf(now, key, "");
      return { left: left === now ? reading : readingOf(left, key, ""), now: reading };
    } catch {
      return undefined;
    }
  }
}

/** Notices that a file has changed: the system says so, or a look now and then. */

import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";

import type { Millis } from "./types.js";

/** Several changes in quick succession are one. */
const TOGETHER_MS = 50;

export class FileWatch {
  readonly #place: () => Promise<string>;
  readonly #look: () => Promise<void>;
  #watcher: FSWatcher | undefined;
  #poll: ReturnType<typeof setInterval> | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;
  #isLooking = false;
  #isDue = false;

  /**
   * @param place Where the file is, behind all links to it.
   * @param look Looks whether it has changed; is not called again before it has ended, and must not throw.
   */
  constructor(place: () => Promise<string>, look: () => Promise<void>) {
    this.#place = place;
    this.#look = look;
  }

  /** Looks now, then whenever the system says that something happened, and every `pollMs`. */
  start(pollMs: Millis): void {
    this.#poll ??= setInterval(() => void this.#lookAgain(), pollMs).unref();
    void this.#lookAgain();
  }

  stop(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#soon);
    this.#watcher?.close();
    this.#poll = this.#soon = this.#watcher = undefined;
  }

  async #lookAgain(): Promise<void> {
    this.#isDue = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    while (this.#isDue && this.#poll !== undefined) {
      this.#isDue = false;
      await this.#listen();
      await this.#look();
    }
    this.#isLooking = false;
  }

  /** Listens to the system, unless it does so already; where that is not possible, the looks have to do. */
  async #listen(): Promise<void> {
    if (this.#watcher !== undefined) return;
    const place = await this.#place().catch(() => undefined);
    if (place === undefined || this.#poll === undefined || this.#watcher !== undefined) return;
    try {
      const watcher = watch(dirname(place), { persistent: false });
      this.#watcher = watcher;
      const forget = () => {
        watcher.close();
        if (this.#watcher === watcher) this.#watcher = undefined;
      };
      watcher.on("change", (_, name) => {
        if (name === null || String(name) === basename(place)) this.#happened();
      });
      watcher.on("error", forget);
    } catch {
      this.#watcher = undefined;
    }
  }

  #happened(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      void this.#lookAgain();
    }, TOGETHER_MS);
    this.#soon.unref();
  }
}

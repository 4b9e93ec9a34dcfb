/** Detection of changes of a file: notifications of the system, and polling for systems that send none. */

import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";

import type { Millis } from "../core/types.js";

/** Delay after a notification, in milliseconds: several changes in quick succession lead to one check. */
const DEBOUNCE_MS = 50;

export class FileWatch {
  readonly #path: () => Promise<string>;
  readonly #check: () => Promise<void>;
  #watcher: FSWatcher | undefined;
  #poll: ReturnType<typeof setInterval> | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;
  #isChecking = false;
  #isDue = false;

  /**
   * @param path Returns the path of the file behind all links.
   * @param check Checks whether the file has changed. Calls do not overlap. Must not throw.
   */
  constructor(path: () => Promise<string>, check: () => Promise<void>) {
    this.#path = path;
    this.#check = check;
  }

  /** Checks now, then after each notification of the system, and every `pollMs`. */
  start(pollMs: Millis): void {
    this.#poll ??= setInterval(() => void this.#requestCheck(), pollMs).unref();
    void this.#requestCheck();
  }

  stop(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#soon);
    this.#watcher?.close();
    this.#poll = this.#soon = this.#watcher = undefined;
  }

  async #requestCheck(): Promise<void> {
    this.#isDue = true;
    if (this.#isChecking) return;
    this.#isChecking = true;
    while (this.#isDue && this.#poll !== undefined) {
      this.#isDue = false;
      await this.#subscribe();
      await this.#check();
    }
    this.#isChecking = false;
  }

  /** Subscribes to notifications of the system, unless subscribed; without notifications polling remains. */
  async #subscribe(): Promise<void> {
    if (this.#watcher !== undefined) return;
    const path = await this.#path().catch(() => undefined);
    if (path === undefined || this.#poll === undefined || this.#watcher !== undefined) return;
    try {
      const watcher = watch(dirname(path), { persistent: false });
      this.#watcher = watcher;
      const forget = () => {
        watcher.close();
        if (this.#watcher === watcher) this.#watcher = undefined;
      };
      watcher.on("change", (_, name) => {
        if (name === null || String(name) === basename(path)) this.#notified();
      });
      watcher.on("error", forget);
    } catch {
      this.#watcher = undefined;
    }
  }

  #notified(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      void this.#requestCheck();
    }, DEBOUNCE_MS);
    this.#soon.unref();
  }
}

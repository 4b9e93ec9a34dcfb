/** The requests: workers, and how each recovers from what the provider answers. */

/**
 * @typedef {import("./host.mjs").Host} Host
 * @typedef {import("./host.mjs").Answer} Answer
 */

/** A host waits no longer than this for a credential that is over its limit, whatever the provider asks. */
const LONGEST_RETRY_MS = 600;

/**
 * Sends all requests; answers how many were served.
 *
 * @param {Host} host
 * @param {{ requests: number, workers: number, progress: import("./progress.mjs").Progress }} options
 */
export async function serveAll(host, { requests, workers, progress }) {
  let sent = 0;
  let served = 0;
  const work = async () => {
    while (sent < requests && !host.signal.aborted) {
      sent += 1;
      if (await serve(host)) served += 1;
      progress.update(served);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return served;
}

/**
 * Sends one request until it is served; false if no credential can, or it was interrupted.
 *
 * @param {Host} host
 */
async function serve(host) {
  try {
    const recovery = new Recovery(host);
    let credential = await host.choose();
    while (credential !== null) {
      const answer = await host.send(credential);
      if (answer.status === 200) return true;
      credential = await recovery.next(answer);
    }
    return false;
  } catch (error) {
    if (host.signal.aborted) return false;
    throw error;
  }
}

/** What one request remembers of its failures. A request that is served forgets them. */
class Recovery {
  /** The credential that was over its limit the last time. @type {string | null} */
  #limited = null;
  /** Credentials that were refreshed for this request. @type {Set<string>} */
  #renewed = new Set();

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
  }

  /**
   * The credential to try next, after a failure.
   *
   * @param {Answer} answer
   * @returns {Promise<string | null>}
   */
  async next(answer) {
    const wasLimited = this.#limited === answer.credential;
    this.#limited = null;
    if (answer.status === 429 && !wasLimited) {
      this.#limited = answer.credential;
      await this.host.pause(Math.min(answer.retryAfterMs, LONGEST_RETRY_MS));
      return answer.credential;
    }
    if (answer.status === 401 && (await this.#renew(answer))) return answer.credential;
    return this.host.choose(this.host.bench(answer));
  }

  /**
   * Whether the credential has a new key to try.
   *
   * @param {Answer} answer
   */
  async #renew(answer) {
    if (this.host.hasOtherKey(answer)) return true;
    if (this.#renewed.has(answer.credential)) return false;
    this.#renewed.add(answer.credential);
    return this.host.renew(answer.credential);
  }
}

/** The requests: sessions, and how each request follows the moves of the pool. */

/**
 * @typedef {import("./host.mjs").Host} Host
 * @typedef {import("../../pkg/dist/node.js").LeaseRequest} LeaseRequest
 * @typedef {import("../../pkg/dist/node.js").NextMove} NextMove
 *
 * @typedef {Exclude<NextMove, { lease: number }>} End Last move of a request.
 */

/** Model of all requests. */
export const MODEL = "demo-1";

/**
 * Sends all requests, and reports the end of each; stops when interrupted.
 *
 * @param {Host} host
 * @param {{ requests: number, sessions: number, ended: (end: End) => void }} options
 */
export async function serveAll(host, { requests, sessions, ended }) {
  let sent = 0;
  const session = async (/** @type {number} */ number) => {
    // Requests of a session keep their credential while it is available, so that the provider's prompt cache stays warm.
    const request = { model: MODEL, affinity: `session ${number}` };
    while (sent < requests && !host.signal.aborted) {
      sent += 1;
      const end = await serve(host, request);
      if (end !== null) ended(end);
    }
  };
  await Promise.all(Array.from({ length: sessions }, (_, number) => session(number)));
}

/**
 * Follows a request from its lease to its end; returns null if it was interrupted.
 *
 * @param {Host} host
 * @param {LeaseRequest} request
 * @returns {Promise<End | null>}
 */
async function serve(host, request) {
  let move = host.take(host.pool.lease(request));
  while ("lease" in move) {
    const { lease } = move;
    try {
      move = await host.follow(move, request);
    } catch (error) {
      host.take(host.pool.release(lease));
      if (host.signal.aborted) return null;
      throw error;
    }
  }
  return move;
}

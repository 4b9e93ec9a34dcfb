/** The requests: sessions, and how each carries out what the pool says comes next. */

/**
 * @typedef {import("./host.mjs").Host} Host
 * @typedef {import("../../pkg/dist/node.js").LeaseRequest} LeaseRequest
 * @typedef {import("../../pkg/dist/node.js").NextMove} NextMove
 *
 * @typedef {Exclude<NextMove, { lease: number }>} End How a request ended.
 */

/** The model that the demo asks for. */
export const MODEL = "demo-1";

/**
 * Sends all requests, and tells of each one's end; stops when it is interrupted.
 *
 * @param {Host} host
 * @param {{ requests: number, sessions: number, ended: (end: End) => void }} options
 */
export async function serveAll(host, { requests, sessions, ended }) {
  let sent = 0;
  const session = async (/** @type {number} */ number) => {
    // Its requests go to the same credential while that can serve, which keeps the provider's prompt cache warm.
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
 * One request, from its lease to its end; null if it was interrupted.
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

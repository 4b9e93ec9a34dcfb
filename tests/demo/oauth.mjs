/** Sends the requests of refreshes to a provider of one's own. What an answer means is the pool's business. */

/**
 * Only the path of the request's address is kept: real providers are left alone.
 *
 * @param {import("../../pkg/dist/node.js").HttpRequest} request
 * @param {string} origin
 * @returns {Promise<import("../../pkg/dist/node.js").RefreshOutcome>}
 */
export async function sendRefresh({ method, url, headers, body, timeoutMs }, origin) {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const to = new URL(new URL(url).pathname, origin);
    const response = await fetch(to, { method, headers, body, signal, redirect: "manual" });
    // A body that breaks off is an answer all the same: the refresh token may be spent.
    return { type: "response", status: response.status, headers: response.headers, body: await response.text().catch(() => "") };
  } catch {
    return { type: "unreachable" };
  }
}

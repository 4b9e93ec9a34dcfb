/** Sends the requests of refreshes to the demo's provider. The pool judges the answers. */

/**
 * Keeps only the path of the request's URL, so that no request reaches a real provider.
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
    // An incomplete body is an answer as well: the refresh token may be spent.
    return { type: "response", status: response.status, headers: response.headers, body: await response.text().catch(() => "") };
  } catch {
    // Sent or not: this host does not look closer, so the refresh token counts as spent.
    return { type: "lost" };
  }
}

/** A small OAuth client: refreshes logins at a provider of one's own. */

/**
 * Sends a refresh's request and says how it ended. Only its path is kept: real providers are left alone.
 *
 * @param {import("../../pkg/dist/node.js").HttpRequest} request
 * @param {{ origin: string, poolKey: string }} options
 * @returns {Promise<import("../../pkg/dist/node.js").RefreshOutcome>}
 */
export async function refreshLogin({ method, url, headers, body, timeoutMs }, { origin, poolKey }) {
  let status;
  let answer;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(new URL(new URL(url).pathname, origin), { method, headers, body, signal });
    status = response.status;
    answer = await response.json();
  } catch {
    return { type: "unreachable" };
  }
  if (status === 429 || status >= 500) return { type: "unreachable" };
  if (status !== 200 || typeof answer.access_token !== "string") return { type: "refused" };
  return { type: "tokens", set: { ...tokens(answer), ...times(answer, poolKey) } };
}

/** @param {{ access_token: string, refresh_token?: unknown }} answer */
function tokens({ access_token, refresh_token }) {
  return typeof refresh_token === "string" ? { access_token, refresh_token } : { access_token };
}

/**
 * When the new token ends, the way each provider's rows tell it.
 *
 * @param {{ expires_in?: unknown }} answer
 * @param {string} poolKey
 */
function times({ expires_in }, poolKey) {
  const now = Date.now();
  if (poolKey !== "anthropic") return { last_refresh: new Date(now).toISOString() };
  return { expires_at_ms: now + (typeof expires_in === "number" ? expires_in : 3600) * 1000 };
}

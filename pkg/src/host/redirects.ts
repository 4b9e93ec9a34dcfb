/** Redirects, followed by hand so that no authentication leaves its origin. */

/** A request on its way. */
export interface Hop {
  readonly url: URL;
  readonly init: RequestInit & { readonly headers: Headers };
}

/** A redirect that cannot be followed without sending the key elsewhere. */
export class UnsafeRedirectError extends TypeError {}

/**
 * Sends a request and follows its redirects, by the rules of the Fetch standard ("HTTP-redirect fetch").
 *
 * @param strip Removes authentication from the request that leaves the origin.
 * @param isOnlyBearer Whether `authorization` alone holds the key: browsers strip that header themselves.
 * @throws {UnsafeRedirectError} A browser hides the redirect, and would send the key with it.
 */
export async function fetchWithRedirects(
  send: typeof fetch, first: Hop, strip: (hop: Hop) => void, isOnlyBearer: (hop: Hop) => boolean,
): Promise<Response> {
  const { redirect = "follow" } = first.init;
  if (redirect !== "follow") return send(first.url, first.init);
  let hop = first;
  for (let left = MOST_REDIRECTS; ; left -= 1) {
    const response = await send(hop.url, { ...hop.init, redirect: "manual" });
    if (response.type === "opaqueredirect") {
      if (isOnlyBearer(hop)) return send(hop.url, hop.init);
      throw new UnsafeRedirectError("the provider redirects, and a browser would send the key along: correct the base URL");
    }
    const location = response.headers.get("location");
    if (!REDIRECTS.includes(response.status) || location === null) {
      if (hop !== first) Object.defineProperty(response, "redirected", { value: true });
      return response;
    }
    void response.body?.cancel().catch(() => {});
    if (left === 0) throw new TypeError("fetch failed: too many redirects");
    hop = next(hop, response.status, location);
    if (hop.url.origin !== first.url.origin) strip(hop);
  }
}

const MOST_REDIRECTS = 20;
const REDIRECTS = [301, 302, 303, 307, 308];

/** Headers about a body that is not sent again. */
const BODY_HEADERS = ["content-encoding", "content-language", "content-location", "content-type", "content-length"];

function next({ url, init }: Hop, status: number, location: string): Hop {
  const to = URL.canParse(location, url) ? new URL(location, url) : null;
  if (to === null || !["http:", "https:"].includes(to.protocol)) throw new TypeError("fetch failed: invalid redirect");
  if (to.hash === "") to.hash = url.hash;
  const method = (init.method ?? "GET").toUpperCase();
  const becomesGet = status === 303 ? !["GET", "HEAD"].includes(method) : status < 303 && method === "POST";
  const headers = new Headers(init.headers);
  if (!becomesGet) return { url: to, init: { ...init, headers } };
  for (const name of BODY_HEADERS) headers.delete(name);
  return { url: to, init: { ...init, method: "GET", body: null, headers } };
}

/** Authentication of requests, as the pool states it. */

import type { Auth } from "../core/types.js";

/** Puts authentication into a request, in place of all other authentication. */
export function authenticate(url: URL, headers: Headers, { remove, headers: set, query, append }: Auth): void {
  for (const name of remove.headers) headers.delete(name);
  removeParameters(url, remove.query);
  for (const [name, value] of set) headers.set(name, value);
  for (const [name, value] of query) url.searchParams.set(name, value);
  for (const [name, value] of append) {
    const held = (headers.get(name) ?? "").split(",").map((part) => part.trim());
    if (!held.includes(value)) headers.append(name, value);
  }
}

/** Removes all authentication from a request, and everything that holds the key. */
export function removeAuthentication(url: URL, headers: Headers, key: string, { remove, headers: set, query }: Auth): void {
  const names = [...remove.headers, ...set.map(([name]) => name), "authorization", "proxy-authorization", "cookie"];
  const holders = [...headers].filter(([, value]) => value.includes(key)).map(([name]) => name);
  for (const name of [...names, ...holders]) headers.delete(name);
  removeParameters(url, [...remove.query, ...query.map(([name]) => name)]);
}

/** Removes query parameters. A query without them keeps its spelling. */
function removeParameters({ searchParams }: URL, names: readonly string[]): void {
  for (const name of names) if (searchParams.has(name)) searchParams.delete(name);
}

/** The page behind `credential-pool edit`: its address, and the token in it. */

/** Whether the server of `credential-pool edit` serves the page. Each run has a host name of its own. */
export const isServedByEdit = location.hostname.endsWith(".edit.localhost");

/**
 * Returns the token of the address (`#edit=<token>`), else null. The token is removed from the address and the history
 * at once.
 */
export function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("edit");
  if (token !== null) history.replaceState(history.state, "", location.pathname + location.search);
  return token;
}

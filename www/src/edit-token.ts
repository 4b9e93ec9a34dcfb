/** What opens the document that `credential-pool edit` serves. */

/** A token of a server. */
export interface EditToken {
  token: string;
  /** Whether the address named it just now: `#edit=<token>`. */
  isGiven: boolean;
}

/** The token in the address, which it does not stay in: people copy addresses, and browsers remember them. Else the kept one. */
export function takeToken(): EditToken | null {
  const given = new URLSearchParams(location.hash.slice(1)).get("edit");
  if (given !== null) history.replaceState(history.state, "", location.pathname + location.search);
  const token = given ?? kept();
  return token === null ? null : { token, isGiven: given !== null };
}

/** Keeps a token for a reload; null forgets it. */
export function keep(token: string | null): void {
  try {
    if (token === null) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, token);
  } catch {
    // A browser may forbid it; then the document is gone after a reload.
  }
}

/**
 * Where a token outlives a reload. It opens one document as long as one server runs, is of no use on another machine,
 * and this storage is of one tab, of which nobody reads who could not read the page's memory.
 */
const KEPT = "credential-pool.edit";

function kept(): string | null {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** Token of the server that `credential-pool edit` starts: read from the address, kept for reloads of the tab. */

/** Token of an edit server. */
export interface EditToken {
  token: string;
  /** Whether the address named the token (`#edit=<token>`); false if it was kept from before a reload. */
  isFromAddress: boolean;
}

/**
 * Returns the token of the address, else the kept token, else null. The token is removed from the address, because
 * people copy addresses and browsers remember them.
 */
export function takeToken(): EditToken | null {
  const given = new URLSearchParams(location.hash.slice(1)).get("edit");
  if (given !== null) history.replaceState(history.state, "", location.pathname + location.search);
  const token = given ?? keptToken();
  return token === null ? null : { token, isFromAddress: given !== null };
}

/** Keeps a token for a reload; null forgets the kept token. */
export function keepToken(token: string | null): void {
  try {
    if (token === null) sessionStorage.removeItem(STORAGE_KEY);
    else sessionStorage.setItem(STORAGE_KEY, token);
  } catch {
    // The browser may forbid storage. A reload then loses the document.
  }
}

/**
 * Key in the session storage of the tab. A token opens one document of one server while that server runs, is useless
 * on other machines, and can be read there only by code that could also read the page's memory.
 */
const STORAGE_KEY = "credential-pool.edit";

function keptToken(): string | null {
  try {
    return sessionStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

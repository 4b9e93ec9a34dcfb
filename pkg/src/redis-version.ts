/**
 * The versions of a pool in Redis, and who gives way after the server has lost something.
 *
 * A version never comes again, not even on a server that came back empty: each write has a token of its own. Revisions
 * count the writes of one line. A server that loses what it had ends the line; whoever knows it from before puts the
 * pool back as a new line, which remembers from where.
 */

/** What the store keeps of a pool, as one look found it. */
export interface State {
  /** Empty if there is nothing. */
  version: string;
  text: string | undefined;
}

/** What a version says. */
interface Version {
  /** When the pool was made first, in milliseconds since the Unix epoch. */
  born: number;
  /** Names the line: the token of its first write. */
  line: string;
  /** The line that this one continues, or itself. */
  parent: string;
  /** The revision of `parent` that was put back. */
  base: number;
  revision: number;
  /** Names the write. */
  token: string;
}

/** The version of a write that follows `found`. */
export function versionAfter(found: string, now: number): string {
  const token = newToken();
  const before = parse(found);
  if (before === undefined) return format({ born: now, line: token, parent: token, base: 0, revision: 1, token });
  return format({ ...before, revision: before.revision + 1, token });
}

/** The version under which what was known is put back. */
export function versionPutBack(known: string, now: number): string {
  const token = newToken();
  const before = parse(known);
  if (before === undefined) return versionAfter(known, now);
  const { born, line, revision } = before;
  return format({ born, line: token, parent: line, base: revision, revision: revision + 1, token });
}

/** Whether a server has lost what is known: what it has is nothing, or older, or was begun anew. */
export function isLost(known: State, found: State): boolean {
  if (known.version === "" || known.version === found.version) return false;
  if (found.version === "") return true;
  const [mine, theirs] = [parse(known.version), parse(found.version)];
  // A person has written it by hand, and means it.
  if (mine === undefined || theirs === undefined) return false;
  if (mine.line === theirs.line) return theirs.revision <= mine.revision;
  if (mine.born !== theirs.born) return mine.born < theirs.born;
  // Of two that put back the same line, the one that knew more of it wins.
  if (theirs.parent === mine.line) return mine.revision > theirs.base;
  return mine.parent === theirs.line && theirs.revision <= mine.base;
}

/** Whether two versions are of one line, on which nothing has been lost. */
export function isSameLine(one: string, other: string): boolean {
  const line = parse(one)?.line;
  return line !== undefined && line === parse(other)?.line;
}

/** Random, and nobody else's. */
export function newToken(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 16);
}

const FORM = /^(\d{1,15})\.([0-9a-f]{16})\.([0-9a-f]{16})\.(\d{1,15})\.(\d{1,15})\.([0-9a-f]{16})$/;

/** Nothing if somebody else has made it. */
function parse(text: string): Version | undefined {
  const [, born, line, parent, base, revision, token] = FORM.exec(text) ?? [];
  if (line === undefined || parent === undefined || token === undefined) return undefined;
  return { born: Number(born), line, parent, base: Number(base), revision: Number(revision), token };
}

function format({ born, line, parent, base, revision, token }: Version): string {
  return [born, line, parent, base, revision, token].join(".");
}

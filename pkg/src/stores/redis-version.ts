/**
 * Versions of a pool in Redis, and the order between versions after the server has lost data.
 *
 * Each write has a token of its own, so that a version never occurs twice, not even on a server that restarts empty.
 * Revisions count the writes of one lineage. Data loss ends a lineage; a store that knows the lost state restores it as
 * a new lineage, which records its parent and the restored revision.
 */

/** A pool in Redis at one moment. */
export interface State {
  /** Empty if the pool does not exist. */
  version: string;
  text: string | undefined;
}

/** The parts of a version. */
interface Version {
  /** Time at which the pool was made, in milliseconds since the Unix epoch. */
  born: number;
  /** Id of the lineage: the token of its first write. */
  lineage: string;
  /** Lineage that this lineage restores; its own id if it restores none. */
  parent: string;
  /** Restored revision of `parent`. */
  base: number;
  /** Number of writes. */
  revision: number;
  /** Id of the write. */
  token: string;
}

/** Returns a version for a write that follows `found`. */
export function versionAfter(found: string, now: number): string {
  const token = newToken();
  const before = parse(found);
  if (before === undefined) return format({ born: now, lineage: token, parent: token, base: 0, revision: 1, token });
  return format({ ...before, revision: before.revision + 1, token });
}

/** Returns a version for a write that restores `known`. */
export function versionRestored(known: string, now: number): string {
  const token = newToken();
  const before = parse(known);
  if (before === undefined) return versionAfter(known, now);
  const { born, lineage, revision } = before;
  return format({ born, lineage: token, parent: lineage, base: revision, revision: revision + 1, token });
}

/** Returns whether the server has lost the known state: the found state is empty, older, or of a new pool. */
export function isLost(known: State, found: State): boolean {
  if (known.version === "" || known.version === found.version) return false;
  if (found.version === "") return true;
  const [mine, theirs] = [parse(known.version), parse(found.version)];
  // A version written by hand is intended.
  if (mine === undefined || theirs === undefined) return false;
  if (mine.lineage === theirs.lineage) return theirs.revision <= mine.revision;
  if (mine.born !== theirs.born) return mine.born < theirs.born;
  // Of two restored lineages with the same parent, the lineage with the later base wins.
  if (theirs.parent === mine.lineage) return mine.revision > theirs.base;
  return mine.parent === theirs.lineage && theirs.revision <= mine.base;
}

/** Returns whether two versions belong to one lineage, on which nothing was lost. */
export function isSameLineage(one: string, other: string): boolean {
  const lineage = parse(one)?.lineage;
  return lineage !== undefined && lineage === parse(other)?.lineage;
}

/** Returns a random token of 16 hexadecimal digits. */
export function newToken(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 16);
}

const FORM = /^(\d{1,15})\.([0-9a-f]{16})\.([0-9a-f]{16})\.(\d{1,15})\.(\d{1,15})\.([0-9a-f]{16})$/;

/** Returns the parts of a version; undefined for a version that no store wrote. */
function parse(text: string): Version | undefined {
  const [, born, lineage, parent, base, revision, token] = FORM.exec(text) ?? [];
  if (lineage === undefined || parent === undefined || token === undefined) return undefined;
  return { born: Number(born), lineage, parent, base: Number(base), revision: Number(revision), token };
}

function format({ born, lineage, parent, base, revision, token }: Version): string {
  return [born, lineage, parent, base, revision, token].join(".");
}

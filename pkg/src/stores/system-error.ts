/** Errors of the system as store errors. */

import { StoreError } from "./store.js";

/** Returns the system's code of an error; undefined for other errors. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/**
 * Returns a system error as a store error, which contains paths and no content. Other errors are returned as they are.
 */
export function asStoreError(code: "unreadable" | "unwritable", path: string, error: unknown): unknown {
  if (error instanceof StoreError) return error;
  const system = codeOf(error);
  if (system === undefined) return error;
  const [verb, nothing] = code === "unreadable" ? ["read", ""] : ["written", "; nothing was written"];
  const advice = ADVICE[system] ?? "see what the system says";
  return new StoreError(code, `${path} cannot be ${verb} (${system}): ${advice}${nothing}`, { cause: error });
}

/** Returns a handler that returns undefined for errors with these codes, and throws all others. */
export function unless(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(codeOf(error) ?? "")) throw error;
  };
}

const ADVICE: Record<string, string> = {
  EBUSY: "another program uses it: try again",
  EACCES: "allow this user to read and write it, and to write to its folder",
  EPERM: "allow this user to change it, and to keep its owner and group",
  ENOENT: "its folder was removed in between: try again",
  EROFS: "its file system is read-only: choose another place",
  ENOSPC: "make space on its disk",
  EDQUOT: "make space within this user's quota",
  EFBIG: "this process may not write files of that size: raise the limit",
  ENOTDIR: "a part of the path is no folder: correct the path",
  ENOTEMPTY: "another program keeps something in its folder `.lock`: remove that",
  ELOOP: "a link leads to itself: make it lead to a file",
  EMFILE: "this process has too many files open: raise the limit",
  ENFILE: "the system has too many files open",
};

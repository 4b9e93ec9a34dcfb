/** What goes wrong on the command line, and the exit codes. No message repeats what was given: it may be a key. */

import { type ErrorCode, PoolError } from "../host.js";
import { StoreError } from "../store.js";

/** How the program ends. */
export const EXIT = { done: 0, missing: 1, misuse: 2, store: 3, login: 4, fault: 70, cancelled: 130 } as const;

export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** The program cannot do what it was asked to. */
export class Failure extends Error {
  constructor(
    readonly exit: Exit,
    /** Names it for scripts. */
    readonly code: string,
    message: string,
    /** What could have been meant; or where it is, as a JSON pointer. */
    readonly details: { choices?: readonly string[]; pointer?: string | undefined } = {},
  ) {
    super(message);
    this.name = "Failure";
  }
}

/** What was given cannot be used. */
export function misuse(code: string, message: string): Failure {
  return new Failure(EXIT.misuse, code, message);
}

/** Anything that was thrown. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof PoolError) {
    const { code, message, pointer } = error;
    return new Failure(EXITS[code] ?? EXIT.misuse, code, pointer ? `${message} (at ${pointer})` : message, { pointer });
  }
  if (error instanceof StoreError) {
    const { code, message, pointer } = error;
    return new Failure(EXIT.store, code, message, { pointer });
  }
  // Where it happened, and not what was said: that may hold anything.
  const stack = error instanceof Error ? (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)) : [];
  const name = error instanceof Error ? error.name : typeof error;
  const message = [`a fault of this program (${name}); please report it:`, ...stack].join("\n");
  return new Failure(EXIT.fault, "fault", message);
}

const EXITS: Partial<Record<ErrorCode, Exit>> = {
  unknown_credential: EXIT.missing,
  invalid_document: EXIT.store,
};

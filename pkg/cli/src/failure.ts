/** Failures of commands, and exit codes. Messages do not repeat arguments, which may be keys. */

import { PoolError, StoreError } from "credential-pool";

/** Exit codes. */
export const EXIT = { done: 0, missing: 1, misuse: 2, store: 3, login: 4, fault: 70, cancelled: 130 } as const;

export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** A command that failed. */
export class Failure extends Error {
  constructor(
    readonly exit: Exit,
    /** Stable code, for scripts. */
    readonly code: string,
    message: string,
    /** Possible values of a wrong argument, or a place as a JSON pointer (RFC 6901). */
    readonly details: { choices?: readonly string[]; pointer?: string | undefined } = {},
  ) {
    super(message);
    this.name = "Failure";
  }
}

/** Returns the failure for unusable arguments or input. */
export function misuse(code: string, message: string): Failure {
  return new Failure(EXIT.misuse, code, message);
}

/** Returns any thrown value as a failure. */
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
  // The stack without its message, which may contain a secret.
  const stack = error instanceof Error ? (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)) : [];
  const name = error instanceof Error ? error.name : typeof error;
  const message = [`a fault of this program (${name}); please report it:`, ...stack].join("\n");
  return new Failure(EXIT.fault, "fault", message);
}

const EXITS: Partial<Record<PoolError["code"], Exit>> = {
  unknown_credential: EXIT.missing,
  invalid_document: EXIT.store,
  too_large: EXIT.store,
};

/** Returns the system's code of an error, such as `ENOENT`; undefined for other errors. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Returns whether an error says that a port cannot be opened. */
export function isListenError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && error.syscall === "listen";
}

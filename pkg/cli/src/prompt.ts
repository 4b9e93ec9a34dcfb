/** Prompts on a terminal. They are shown on stderr, so that stdout contains output alone. */

import process from "node:process";
import type { Key } from "node:readline";
import { PassThrough } from "node:stream";

import { EXIT, Failure } from "./failure.js";

/** A person pressed Esc. Without a menu to go back to, it cancels the command, as Ctrl-C does. */
export class Back extends Failure {
  constructor() {
    super(EXIT.cancelled, "cancelled", "cancelled: nothing was written");
  }
}

/** Returns the failure for Ctrl-C and Ctrl-D. */
export function cancelled(): Failure {
  return new Failure(EXIT.cancelled, "cancelled", "cancelled: nothing was written");
}

/** Returns whether stdin, stdout and stderr are a terminal. */
export function isTerminal(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY && process.stderr.isTTY;
}

/** A choice of a list. */
export interface Choice<Value> {
  value: Value;
  name: string;
}

/** Asks for one of several choices. */
export async function choose<const Value>(message: string, choices: readonly Choice<Value>[]): Promise<Value> {
  const { default: select } = await import("@inquirer/select");
  const shown = { message, choices, loop: false, pageSize: 12, theme: { style: { keysHelpTip } } };
  return onTerminal((ask) => ask((context) => select(shown, context)));
}

const keysHelpTip = (keys: [key: string, action: string][]) =>
  [...keys, ["esc", "back"], ["ctrl+c", "end"]].map(([key, action]) => `${key} ${action}`).join(" • ");

/** Asks for a line of text, which may be empty. */
export async function line(message: string): Promise<string> {
  const { default: input } = await import("@inquirer/input");
  return (await onTerminal((ask) => ask((context) => input({ message }, context)))).trim();
}

/** Asks for a confirmation; Enter alone means no. */
export async function isSure(message: string): Promise<boolean> {
  const { default: confirm } = await import("@inquirer/confirm");
  return onTerminal((ask) => ask((context) => confirm({ message, default: false }, context)));
}

/** Asks for secrets without any echo. Several secrets may be pasted at once, one per line. */
export async function secrets(messages: readonly string[]): Promise<string[]> {
  const { default: password } = await import("@inquirer/password");
  return onTerminal(async (ask) => {
    const answers: string[] = [];
    for (const message of messages) {
      // With the default toggleMask, Ctrl-T would show the secret.
      answers.push(await ask((context) => password({ message, toggleMask: false }, context)));
    }
    return answers;
  });
}

/** Streams of a prompt, and the signal that ends it. */
interface Context {
  input: PassThrough;
  output: NodeJS.WritableStream;
  signal: AbortSignal;
}

/** @throws {Back} @throws {Failure} `cancelled`. */
type Ask = <T>(question: (context: Context) => Promise<T>) => Promise<T>;

/**
 * Holds the terminal in raw mode for several prompts, and passes one line of input to each. Without this, the library
 * would lose lines that were pasted for a later prompt, and the terminal would show them.
 */
async function onTerminal<T>(talk: (ask: Ask) => Promise<T>): Promise<T> {
  const { stdin } = process;
  let typed = "";
  let asking: { input: PassThrough; stop: AbortController } | undefined;
  const pass = () => {
    const [first = ""] = /^[^\r\n]*(?:\r\n?|\n)?/.exec(typed) ?? [];
    if (asking === undefined || first === "") return;
    typed = typed.slice(first.length);
    asking.input.write(first);
  };
  const onData = (text: string) => {
    typed += text;
    pass();
  };
  const onEnd = () => asking?.stop.abort(cancelled());
  const ask: Ask = async (question) => {
    const [input, stop] = [new PassThrough(), new AbortController()];
    input.on("keypress", (_text, { name, ctrl }: Key) => {
      if (name === "escape") stop.abort(new Back());
      // The library would wait forever.
      if (ctrl && name === "d") stop.abort(cancelled());
    });
    asking = { input, stop };
    if (stdin.readableEnded) onEnd();
    const answer = question({ input, output: process.stderr, signal: stop.signal });
    pass();
    try {
      return await answer;
    } catch (error) {
      if (stop.signal.aborted) throw stop.signal.reason;
      throw error instanceof Error && error.name === "ExitPromptError" ? cancelled() : error;
    } finally {
      asking = undefined;
    }
  };
  stdin.setEncoding("utf8").setRawMode(true).on("data", onData).on("end", onEnd).resume();
  try {
    const answer = await talk(ask);
    // Left-over input belongs to no prompt, but a Ctrl-C in it still cancels.
    if (typed.includes("\u0003")) throw cancelled();
    return answer;
  } finally {
    stdin.off("data", onData).off("end", onEnd).pause().setRawMode(false);
  }
}

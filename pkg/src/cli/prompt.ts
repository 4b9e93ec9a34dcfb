/** Questions to a person on a terminal. They are asked on stderr, so that stdout holds answers alone. */

import process from "node:process";
import type { Key } from "node:readline";
import { PassThrough } from "node:stream";

import { EXIT, Failure } from "./failure.js";

/** A person went back, with Esc. For who has nothing to go back to it is as Ctrl-C. */
export class Back extends Failure {
  constructor() {
    super(EXIT.cancelled, "cancelled", "cancelled: nothing was written");
  }
}

/** A person ended what goes on, with Ctrl-C or Ctrl-D. */
export function cancelled(): Failure {
  return new Failure(EXIT.cancelled, "cancelled", "cancelled: nothing was written");
}

/** Whether there is a person to ask and to show something to. */
export function isTerminal(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY && process.stderr.isTTY;
}

/** What can be chosen. */
export interface Choice<Value> {
  value: Value;
  name: string;
}

/** One of several. */
export async function choose<const Value>(message: string, choices: readonly Choice<Value>[]): Promise<Value> {
  const { default: select } = await import("@inquirer/select");
  const shown = { message, choices, loop: false, pageSize: 12, theme: { style: { keysHelpTip } } };
  return onTerminal((ask) => ask((context) => select(shown, context)));
}

const keysHelpTip = (keys: [key: string, action: string][]) =>
  [...keys, ["esc", "back"], ["ctrl+c", "end"]].map(([key, action]) => `${key} ${action}`).join(" • ");

/** A line of text; empty, if a person has nothing to say. */
export async function line(message: string): Promise<string> {
  const { default: input } = await import("@inquirer/input");
  return (await onTerminal((ask) => ask((context) => input({ message }, context)))).trim();
}

/** Whether a person is sure; who just presses Enter is not. */
export async function isSure(message: string): Promise<boolean> {
  const { default: confirm } = await import("@inquirer/confirm");
  return onTerminal((ask) => ask((context) => confirm({ message, default: false }, context)));
}

/** Secrets, of which nothing is shown, not even how long they are. They may be pasted at once. */
export async function secrets(messages: readonly string[]): Promise<string[]> {
  const { default: password } = await import("@inquirer/password");
  return onTerminal(async (ask) => {
    const answers: string[] = [];
    for (const message of messages) {
      // With its usual toggleMask, Ctrl-T would show the secret.
      answers.push(await ask((context) => password({ message, toggleMask: false }, context)));
    }
    return answers;
  });
}

/** Where a question is asked. */
interface Context {
  input: PassThrough;
  output: NodeJS.WritableStream;
  signal: AbortSignal;
}

/** @throws {Back} @throws {Failure} `cancelled`. */
type Ask = <T>(question: (context: Context) => Promise<T>) => Promise<T>;

/**
 * Holds the terminal for a few questions. Each gets one line of what is typed: what is pasted for the next one would be
 * lost by the library, and shown by the terminal.
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
      // The library would wait for ever.
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
    // The rest of what was pasted belongs to no question, but who wanted to end it shall.
    if (typed.includes("\u0003")) throw cancelled();
    return answer;
  } finally {
    stdin.off("data", onData).off("end", onEnd).pause().setRawMode(false);
  }
}

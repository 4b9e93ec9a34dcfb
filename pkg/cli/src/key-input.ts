/**
 * Input of keys: a prompt without echo, stdin, or an environment variable. Never an argument, which other users can
 * list.
 */

import process from "node:process";

import { misuse } from "./failure.js";
import { secrets } from "./prompt.js";

/** Questions for keys. The first answer is required. */
export type Questions = readonly [required: string, ...optional: string[]];

/** Returns the answers to the questions, typed on a terminal, else one line of stdin each. */
export async function readKeys(questions: Questions): Promise<string[]> {
  const lines = process.stdin.isTTY ? await secrets(questions.map((question) => `${question}:`)) : await linesOfStdin();
  const keys = lines.map((line) => line.trim());
  while (keys.at(-1) === "") keys.pop();
  if (keys.length > questions.length) {
    const most = questions.length === 1 ? "one line" : "two lines";
    throw misuse("invalid_key", `stdin has more than ${most}: give one key on each`);
  }
  const [first] = keys;
  if (!first) throw misuse("invalid_key", "no key was given: type a key, pipe it in, or use --key-env");
  return keys.map(checked);
}

/** Returns the key in an environment variable. */
export function keyFrom(variable: string): string {
  if (!/^[A-Za-z_]\w*$/.test(variable)) {
    throw misuse("invalid_key", "this is no name of an environment variable: give its name, never the key itself");
  }
  const key = process.env[variable]?.trim();
  // The message leaves out the name, which may be a key by mistake.
  if (!key) throw misuse("invalid_key", "the environment variable is not set, or it is empty: export it first");
  return checked(key);
}

function checked(key: string): string {
  if (/\p{Cc}/u.test(key)) throw misuse("invalid_key", "the key holds control characters: copy it again");
  return key;
}

async function linesOfStdin(): Promise<string[]> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_BYTES) throw misuse("invalid_key", "stdin is too long to be a key");
  }
  return Buffer.concat(chunks).toString("utf8").split(/\r?\n/);
}

const MAX_BYTES = 65_536;

/** How a key comes in: by a prompt that shows nothing, by stdin or by a variable; never by the list of processes. */

import process from "node:process";

import { misuse } from "./failure.js";
import { secrets } from "./prompt.js";

/** What can be asked for. The first is needed. */
export type Questions = readonly [needed: string, ...others: string[]];

/** The answers to the questions: typed on a terminal, else one on each line of stdin. */
export async function readKeys(questions: Questions): Promise<string[]> {
  const lines = process.stdin.isTTY ? await secrets(questions.map((question) => `${question}:`)) : await piped();
  const keys = lines.map((line) => line.trim());
  while (keys.at(-1) === "") keys.pop();
  if (keys.length > questions.length) {
    const most = questions.length === 1 ? "one line" : "two lines";
    throw misuse("invalid_key", `stdin has more than ${most}: give one key on each`);
  }
  const [first] = keys;
  if (!first) throw misuse("invalid_key", "no key was given: type it, pipe it in, or name a variable with --key-env");
  return keys.map(checked);
}

/** The key that an environment variable holds. */
export function keyFrom(variable: string): string {
  if (!/^[A-Za-z_]\w*$/.test(variable)) {
    throw misuse("invalid_key", "this is no name of an environment variable: give its name, never the key itself");
  }
  const key = process.env[variable]?.trim();
  // The name is not repeated: somebody may have given the key.
  if (!key) throw misuse("invalid_key", "the environment variable is not set, or it is empty: export it first");
  return checked(key);
}

function checked(key: string): string {
  if (/\p{Cc}/u.test(key)) throw misuse("invalid_key", "the key holds control characters: copy it again");
  return key;
}

async function piped(): Promise<string[]> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MOST_BYTES) throw misuse("invalid_key", "stdin is too long to be a key");
  }
  return Buffer.concat(chunks).toString("utf8").split(/\r?\n/);
}

const MOST_BYTES = 65_536;

/** `login`: a new login, with a code or in a browser. */

import { readFile } from "node:fs/promises";
import process from "node:process";

import type { LoginFlow, LoginOptions } from "../node.js";
import { logIn, LoginError, type LoginPrompt } from "../node-login.js";
import type { Place } from "./document.js";
import { join } from "./edits.js";
import { EXIT, Failure, misuse } from "./failure.js";
import { open } from "./opened.js";
import { cancelled } from "./prompt.js";
import { type Answer, duration, plain } from "./show.js";

/** What can be said of a new login. */
export interface LoginWords {
  label?: string;
  flow?: LoginFlow;
  /** The file of the host's configuration. */
  config?: string;
  priority?: number;
}

/** `login`: makes a login, and adds it as `add` adds a key. What a person has to do is told on stderr. */
export async function login(
  place: Place,
  key: string,
  { label, flow, config, priority }: LoginWords,
  isJson: boolean,
): Promise<Answer> {
  // Before a person does something for nothing.
  const { pool } = open(await place.read(), key);
  const given = config === undefined ? {} : { config: await configOf(config) };
  const ending = new AbortController();
  const cancel = () => ending.abort(cancelled());
  process.once("SIGINT", cancel);
  try {
    const show = (prompt: LoginPrompt) => void process.stderr.write(isJson ? scripted(prompt) : told(prompt));
    const row = await logIn({ key: pool.key(), ...given, flow: flow ?? null, show, signal: ending.signal });
    return await join(place, key, label === undefined ? row : { ...row, label }, priority);
  } catch (error) {
    throw asLoginFailure(error);
  } finally {
    process.off("SIGINT", cancel);
  }
}

function asLoginFailure(error: unknown): unknown {
  if (error instanceof LoginError) {
    const { reason, message, status } = error;
    return new Failure(EXIT.login, reason, status === null ? message : `${message} (HTTP ${status})`);
  }
  if (error instanceof Error && "syscall" in error && error.syscall === "listen") {
    const code = "code" in error ? ` (${String(error.code)})` : "";
    const message = `the port that the browser comes back to cannot be opened${code}`;
    return new Failure(EXIT.login, "no_port", `${message}: end what uses it, or choose another`);
  }
  return error;
}

function scripted(prompt: LoginPrompt): string {
  return `${JSON.stringify({ prompt })}\n`;
}

function told(prompt: LoginPrompt): string {
  const left = `within ${duration((prompt.type === "show" ? prompt.expiresAt : prompt.until) - Date.now())}`;
  const lines = prompt.type === "visit"
    ? [`Open this address in a browser on this machine, ${left}:`, "", `  ${prompt.url}`]
    : [
      `Open this address on any device, and enter the code ${left}:`,
      "",
      `  ${prompt.verificationUri}`,
      `  ${prompt.userCode}`,
      ...(prompt.verificationUriComplete === null
        ? []
        : ["", "Or open this one, and compare the code:", "", `  ${prompt.verificationUriComplete}`]),
    ];
  return [...lines, ""].map((line) => `${plain(line)}\n`).join("");
}

async function configOf(path: string): Promise<NonNullable<LoginOptions["config"]>> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    const message = `the file of the configuration cannot be read${code}: correct the path after --config`;
    throw misuse("invalid_config", message);
  });
  try {
    const config: unknown = JSON.parse(text);
    if (typeof config === "object" && config !== null && !Array.isArray(config)) return { ...config };
  } catch {
    // Said below.
  }
  throw misuse("invalid_config", "the configuration is no JSON object: it holds `credential_pool_logins`, by pool");
}

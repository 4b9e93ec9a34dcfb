/** The command `login`: a new login, with a device code or in a browser. */

import { readFile } from "node:fs/promises";
import process from "node:process";

import type { LoginFlow, LoginOptions } from "credential-pool";
import { logIn, LoginError, type LoginPrompt } from "credential-pool/login";

import type { Location } from "./document.js";
import { addRow } from "./edits.js";
import { codeOf, EXIT, Failure, isListenError, misuse } from "./failure.js";
import { duration, type Output, printable } from "./output.js";
import { open } from "./pools.js";
import { cancelled } from "./prompt.js";

/** Options of `login`. */
export interface LoginCommandOptions {
  label?: string;
  flow?: LoginFlow;
  /** Path of the host's configuration. */
  config?: string;
  priority?: number;
}

/** `login`: makes a login and adds it to the pool. Prints the person's task on stderr. */
export async function login(
  location: Location,
  key: string,
  { label, flow, config, priority }: LoginCommandOptions,
  isJson: boolean,
): Promise<Output> {
  // A wrong pool key fails before a person acts.
  const { pool } = open(await location.read(), key);
  const given = config === undefined ? {} : { config: await configOf(config) };
  const ending = new AbortController();
  const cancel = () => ending.abort(cancelled());
  process.once("SIGINT", cancel);
  try {
    const show = (prompt: LoginPrompt) => void process.stderr.write(isJson ? asJson(prompt) : asText(prompt));
    const row = await logIn({ key: pool.key(), ...given, flow: flow ?? null, show, signal: ending.signal });
    return await addRow(location, key, label === undefined ? row : { ...row, label }, priority);
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
  if (isListenError(error)) {
    const message = `the port for the browser's redirect cannot be opened (${codeOf(error)})`;
    return new Failure(EXIT.login, "no_port", `${message}: end the program that uses it, or configure another port`);
  }
  return error;
}

function asJson(prompt: LoginPrompt): string {
  return `${JSON.stringify({ prompt })}\n`;
}

function asText(prompt: LoginPrompt): string {
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
        : ["", "Or open this address, and compare the code:", "", `  ${prompt.verificationUriComplete}`]),
    ];
  return [...lines, ""].map((line) => `${printable(line)}\n`).join("");
}

async function configOf(path: string): Promise<NonNullable<LoginOptions["config"]>> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    const message = `the file of the configuration cannot be read (${codeOf(error)}): correct the path after --config`;
    throw misuse("invalid_config", message);
  });
  try {
    const config: unknown = JSON.parse(text);
    if (typeof config === "object" && config !== null && !Array.isArray(config)) return { ...config };
  } catch {
    // Reported below.
  }
  throw misuse("invalid_config", "the configuration is no JSON object: give an object with `credential_pool_logins`");
}

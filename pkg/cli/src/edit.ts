/** The command `edit`: the document in a browser. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { DocumentFile } from "credential-pool/file-store";

import type { Location } from "./document.js";
import { codeOf, EXIT, Failure, isListenError, misuse } from "./failure.js";
import { type Output, printable } from "./output.js";

/** Options of `edit`. */
export interface EditOptions {
  /** Port on 127.0.0.1; without it any free port. */
  port?: number;
  /** Whether to open a browser. */
  open: boolean;
}

/** Serves the page on the document until a signal ends it. `print` receives the address. */
export async function edit(
  location: Location,
  { port, open }: EditOptions,
  print: (output: Output) => void,
): Promise<void> {
  if (location.file === undefined) throw notAFile();
  const page = fileURLToPath(new URL("./page", import.meta.url));
  if (!existsSync(join(page, "index.html"))) throw noPage();
  const file = new DocumentFile(location.file);
  // An unreadable file fails before a browser opens.
  await file.read();
  const ended = interrupted();
  const server = await startServer(file, page, port ?? 0);
  try {
    print({
      data: { document: file.path, url: server.url, port: server.port },
      lines: [
        printable(`${file.path} can be edited at`),
        "",
        `  ${server.url}`,
        "",
        "by the first browser of this machine that opens this address, until Ctrl-C.",
      ],
    });
    if (open) await openBrowser(server.url);
    await ended;
  } finally {
    await server.close();
  }
}

/** Resolves at the first signal. A second signal ends the process at once. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      for (const signal of SIGNALS) process.off(signal, end);
      resolve();
    };
    for (const signal of SIGNALS) process.on(signal, end);
  });
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

async function startServer(file: DocumentFile, page: string, port: number) {
  const { serve } = await import("./edit-server.js");
  try {
    return await serve({ file, page, port });
  } catch (error) {
    if (!isListenError(error)) throw error;
    const advice = "end the program that uses it, choose another port, or leave out --port for any free port";
    throw misuse("no_port", `the port cannot be opened (${codeOf(error)}): ${advice}`);
  }
}

async function openBrowser(url: string): Promise<void> {
  const { default: open } = await import("open");
  try {
    await open(url);
  } catch {
    process.stderr.write("credential-pool: no browser can be opened: open the address yourself\n");
  }
}

function notAFile(): Failure {
  const advice = "give --document PATH and no --redis; `credential-pool --help` has the commands for pools in Redis";
  return misuse("invalid_argument", `\`edit\` opens documents in files, not pools in Redis: ${advice}`);
}

function noPage(): Failure {
  const advice = "install credential-pool-cli again, or, in its sources, run `cargo xtask build`";
  return new Failure(EXIT.missing, "no_page", `the page is missing in this package: ${advice}`);
}

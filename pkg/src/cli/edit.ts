/** `edit`: the document in a browser. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { codeOf } from "../file-text.js";
import type { Place } from "./document.js";
import { EditedFile } from "./edited-file.js";
import { EXIT, Failure, misuse } from "./failure.js";
import { type Answer, plain } from "./show.js";

/** What can be said of how the document is opened. */
export interface EditWords {
  port?: number;
  /** Whether a browser is opened. */
  open: boolean;
}

/** `edit`: serves the page on the document until somebody ends it; `say` is told where. */
export async function edit(place: Place, { port, open }: EditWords, say: (answer: Answer) => void): Promise<void> {
  if (place.file === undefined) throw inRedis();
  const page = fileURLToPath(new URL("../page", import.meta.url));
  if (!existsSync(join(page, "index.html"))) throw noPage();
  const file = new EditedFile(place.file);
  // Before a person waits for a browser for nothing.
  await file.read();
  const ended = interrupted();
  const server = await serving(file, page, port ?? 0);
  try {
    say({
      data: { document: file.path, url: server.url, port: server.port },
      lines: [
        plain(`${file.path} can be edited at`),
        "",
        `  ${server.url}`,
        "",
        "by who knows this address, from this machine, until Ctrl-C.",
      ],
    });
    if (open) await inBrowser(server.url);
    await ended;
  } finally {
    await server.close();
  }
}

/** The first wish to end it; the second ends the process at once. */
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

async function serving(file: EditedFile, page: string, port: number) {
  const { serve } = await import("./edit-server.js");
  try {
    return await serve({ file, page, port });
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error && error.syscall === "listen")) throw error;
    const advice = "end what uses it, choose another, or leave out --port for one that is free";
    throw misuse("no_port", `the port cannot be opened (${codeOf(error)}): ${advice}`);
  }
}

async function inBrowser(url: string): Promise<void> {
  const { default: open } = await import("open");
  try {
    await open(url);
  } catch {
    process.stderr.write("credential-pool: no browser can be opened from here: open the address in one\n");
  }
}

function inRedis(): Failure {
  const advice = "give --document PATH and no --redis; `credential-pool --help` has the commands for pools in Redis";
  return misuse("invalid_argument", `\`edit\` opens documents in files, not pools in Redis: ${advice}`);
}

function noPage(): Failure {
  const advice = "install credential-pool again, or, in its sources, run `cargo xtask build`";
  return new Failure(EXIT.missing, "no_page", `the page is missing in this package: ${advice}`);
}

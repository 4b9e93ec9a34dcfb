/** The document that `credential-pool edit` serves beside the page: read and written over HTTP with `If-Match`. */

import { emptyDocument } from "./core-reader";
import { ConflictError, type SharedPlace } from "./place";

/** A document in a file behind the edit server. */
export interface ServedDocument extends SharedPlace {
  /** Text of the file when it was last written here or adopted. A missing file is an empty document. */
  readonly text: string;
  /** Calls `listener` with the new text whenever another program has written to the file. */
  onChange(listener: (text: string) => void): void;
}

/**
 * Opens the document of the server that the page comes from. The core must be loaded.
 *
 * @param token Token of the address, which opens a session; null to continue the session of before a reload.
 * @returns null if there is no session to continue.
 * @throws An error whose message can be shown.
 */
export async function openFromServer(token: string | null): Promise<ServedDocument | null> {
  const served = new ServerFile();
  // The address may be opened again in the browser that has the session.
  const refused = token === null ? null : await served.openSession(token);
  try {
    await served.open();
    return served;
  } catch (error) {
    if (!(error instanceof NoSessionError)) throw error;
    if (refused !== null) throw refused;
    return null;
  }
}

/** The server knows no session of this browser, or not the token. */
class NoSessionError extends Error {}

/** A text of the file and its ETag. */
interface Version {
  text: string;
  etag: string;
}

class ServerFile implements ServedDocument {
  name = "";
  /** Version that the next write replaces. */
  #base: Version = { text: "", etag: "" };
  /** Latest version that the server told of. */
  #latest: Version = this.#base;
  /** Settles when no write is in progress. */
  #writing: Promise<unknown> = Promise.resolve();
  readonly #listeners: ((text: string) => void)[] = [];

  get text(): string {
    return this.#base.text;
  }

  /**
   * Exchanges the token for a cookie, which no script can read. The server takes each token once.
   *
   * @returns Why the server refused the token; null if it took the token.
   */
  async openSession(token: string): Promise<Error | null> {
    const response = await this.#fetch("session", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
    return response.ok ? null : errorOf(response);
  }

  async open(): Promise<void> {
    this.#base = await this.#read();
  }

  write(text: string): Promise<void> {
    const write = this.#writing.then(() => this.#write(text));
    this.#writing = write.catch(() => {});
    return write;
  }

  adopt(text: string): void {
    if (text === this.#latest.text) this.#base = this.#latest;
  }

  onChange(listener: (text: string) => void): void {
    if (this.#listeners.push(listener) === 1) void this.#watch();
  }

  async #write(text: string): Promise<void> {
    const { etag } = this.#base;
    const response = await this.#fetch("document", { method: "PUT", body: text, headers: { "If-Match": etag } });
    if (response.status === 412) throw new ConflictError((await this.#read()).text);
    await expectOk(response);
    this.#base = this.#latest = { text, etag: etagOf(response) };
  }

  async #read(): Promise<Version> {
    const response = await this.#fetch("document");
    await expectOk(response);
    this.name = decodeURIComponent(response.headers.get("Credential-Pool-Name") ?? "");
    const etag = etagOf(response);
    // `Response.text()` would drop a byte order mark.
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(await response.arrayBuffer());
    return (this.#latest = { text: etag === MISSING ? emptyDocument() : text, etag });
  }

  /** Follows the file until the server ends the session. Reconnects with exponential backoff, at most 30 s. */
  async #watch(): Promise<void> {
    for (let pause = 1000; ; pause = Math.min(pause * 2, 30_000)) {
      try {
        const response = await this.#fetch("watch");
        if (!response.ok || response.body === null) return;
        for await (const etag of etags(response.body)) {
          pause = 1000;
          await this.#onVersion(etag);
        }
      } catch {
        // The server is unreachable. The next write reports it.
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async #onVersion(etag: string): Promise<void> {
    // The version may come from a write of this page that is still in progress.
    await this.#writing;
    if (etag === this.#latest.etag) return;
    const { text } = await this.#read();
    if (text !== this.text) for (const listener of this.#listeners) listener(text);
  }

  async #fetch(path: string, init: { method?: string; body?: string; headers?: Record<string, string> } = {}) {
    try {
      return await fetch(`./${path}`, { ...init, cache: "no-store", credentials: "same-origin" });
    } catch {
      const advice = "run `credential-pool edit` again, and open the address that it shows";
      throw new Error(`The server behind this page does not answer: ${advice}.`);
    }
  }
}

/** ETag that the edit server sends for a missing file. */
const MISSING = `"none"`;

function etagOf({ headers }: Response): string {
  return headers.get("ETag") ?? "";
}

async function expectOk(response: Response): Promise<void> {
  if (!response.ok) throw await errorOf(response);
}

async function errorOf(response: Response): Promise<Error> {
  const { message } = await response.json().catch(() => ({ message: `The server answers ${response.status}.` }));
  return response.status === 401 ? new NoSessionError(message) : new Error(message);
}

/** Yields the data of server-sent events. All events of the stream are ETags. */
async function* etags(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let text = "";
  for (let read; !(read = await reader.read()).done; ) {
    const lines = (text + read.value).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data: ")) yield line.slice("data: ".length);
  }
}

/** The document that `credential-pool edit` serves beside the page. */

import { emptyDocument } from "./core";
import { type EditToken, keep } from "./edit-token";
import { ConflictError, type OverwritablePlace } from "./places";

/** A document in a file that others write to as well. */
export interface ServedDocument extends OverwritablePlace {
  /** What the file said when it was last written from here, or adopted. One that is missing is an empty document. */
  readonly text: string;
  /**
   * Replaces `text`.
   *
   * @param options.force Replaces whatever the file says now.
   * @throws {ConflictError} The file says something else than `text`. Nothing was written.
   */
  write(text: string, options?: { force?: boolean }): Promise<void>;
  /** Goes on from what `onChange` or a `ConflictError` told: the next `write` replaces that. */
  adopt(text: string): void;
  /** Is told what the file says, when somebody else has written to it. */
  onChange(listener: (text: string) => void): void;
}

/**
 * Opens the document of the server that the page comes from; null if the token was kept and the server is another one.
 * The core must be loaded.
 *
 * @throws What went wrong, in words that can be shown.
 */
export async function openFromServer({ token, isGiven }: EditToken): Promise<ServedDocument | null> {
  try {
    const served = new Served(token);
    await served.open();
    keep(token);
    return served;
  } catch (error) {
    keep(null);
    if (!isGiven && error instanceof Unknown) return null;
    throw error;
  }
}

/** The server does not know the token, or of any: it is another one. */
class Unknown extends Error {}

/** A text, and what tells it from others. */
interface Version {
  text: string;
  etag: string;
}

class Served implements ServedDocument {
  name = "";
  readonly #token: string;
  /** What the next write replaces. */
  #base: Version = { text: "", etag: "" };
  /** What the file was last known to say. */
  #latest: Version = this.#base;
  /** Ends when nothing is being written. */
  #writing: Promise<unknown> = Promise.resolve();
  readonly #listeners: ((text: string) => void)[] = [];

  constructor(token: string) {
    this.#token = token;
  }

  get text(): string {
    return this.#base.text;
  }

  async open(): Promise<void> {
    this.#base = await this.#read();
  }

  write(text: string, { force = false }: { force?: boolean } = {}): Promise<void> {
    const write = this.#writing.then(() => this.#write(text, force));
    this.#writing = write.catch(() => {});
    return write;
  }

  adopt(text: string): void {
    if (text === this.#latest.text) this.#base = this.#latest;
  }

  onChange(listener: (text: string) => void): void {
    if (this.#listeners.push(listener) === 1) void this.#watch();
  }

  async #write(text: string, force: boolean): Promise<void> {
    const { etag: seen } = force ? await this.#read() : this.#base;
    const response = await this.#ask("document", { method: "PUT", body: text, headers: { "If-Match": seen } });
    if (response.status === 412) throw new ConflictError((await this.#read()).text);
    await expectDone(response);
    this.#base = this.#latest = { text, etag: etagOf(response) };
  }

  async #read(): Promise<Version> {
    const response = await this.#ask("document");
    await expectDone(response);
    this.name = decodeURIComponent(response.headers.get("Credential-Pool-Name") ?? "");
    const etag = etagOf(response);
    // `text()` would drop a byte order mark.
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(await response.arrayBuffer());
    return (this.#latest = { text: etag === MISSING ? emptyDocument() : text, etag });
  }

  /** Follows the file for as long as the server knows the token. */
  async #watch(): Promise<void> {
    for (let pause = 1000; ; pause = Math.min(pause * 2, 30_000)) {
      try {
        const response = await this.#ask("watch");
        if (!response.ok || response.body === null) return;
        for await (const etag of etags(response.body)) {
          pause = 1000;
          await this.#look(etag);
        }
      } catch {
        // The server is away; who writes is told.
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async #look(etag: string): Promise<void> {
    // What is told may be what is just being written from here.
    await this.#writing;
    if (etag === this.#latest.etag) return;
    const { text } = await this.#read();
    if (text !== this.text) for (const listener of this.#listeners) listener(text);
  }

  async #ask(path: string, init: { method?: string; body?: string; headers?: Record<string, string> } = {}) {
    const headers = { ...init.headers, Authorization: `Bearer ${this.#token}` };
    try {
      return await fetch(`./${path}`, { ...init, headers, cache: "no-store", credentials: "omit" });
    } catch {
      const advice = "run `credential-pool edit` again, and open the address that it shows";
      throw new Error(`The server behind this page does not answer: ${advice}.`);
    }
  }
}

/** The ETag of a file that is not there. */
const MISSING = `"none"`;

function etagOf({ headers }: Response): string {
  return headers.get("ETag") ?? "";
}

async function expectDone(response: Response): Promise<void> {
  if (response.ok) return;
  const { message } = await response.json().catch(() => ({ message: `The server answers ${response.status}.` }));
  throw response.status === 401 || response.status === 404 ? new Unknown(message) : new Error(message);
}

/** What a stream of server-sent events tells: all of its events are of one kind. */
async function* etags(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let text = "";
  for (let read; !(read = await reader.read()).done; ) {
    const lines = (text + read.value).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data: ")) yield line.slice("data: ".length);
  }
}

/**
 * Serves the page and one document, to browsers on this machine and to who knows the token.
 *
 * The token is in the fragment of the address, which no browser sends; the page sends it in a header, which no foreign
 * page can. The names that a browser may know the server by are checked, so that no foreign name leads to it.
 */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import sirv from "sirv";

import { PoolError, StoreError } from "../node.js";
import type { EditedFile } from "./edited-file.js";

/** What is served, and where. */
export interface Served {
  file: EditedFile;
  /** The folder of the page. */
  page: string;
  /** 0: any that is free. */
  port: number;
}

/** A server that listens. */
export interface EditServer {
  /** Opens the page on the document: with the token. */
  url: string;
  port: number;
  /** Ends it when what is being written is. */
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Listens on this machine alone, until it is closed.
 *
 * @throws What the system says, if the port is taken.
 */
export async function serve({ file, page, port }: Served): Promise<EditServer> {
  const token = randomBytes(32).toString("base64url");
  const desk = new Desk(file, token, sirv(page, { dev: true, etag: true }));
  const server = createServer((request, response) => desk.receive(request, response));
  await listening(server, port);
  const { port: chosen } = server.address() as AddressInfo;
  return {
    url: `http://${HOST}:${chosen}/#edit=${token}`,
    port: chosen,
    async close() {
      server.close();
      await desk.close();
      server.closeAllConnections();
    },
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** A request that is not carried out, and why. No message repeats what was sent. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

/** What a request is answered. */
interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

type Static = ReturnType<typeof sirv>;

class Desk {
  readonly #file: EditedFile;
  readonly #token: string;
  readonly #page: Static;
  readonly #writes = new Set<Promise<Answer>>();
  readonly #watching = new Set<ServerResponse>();

  constructor(file: EditedFile, token: string, page: Static) {
    this.#file = file;
    this.#token = token;
    this.#page = page;
  }

  receive(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    // Of who went away nobody has to be told.
    response.on("error", () => {});
    void this.#answer(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, refused(error));
    });
  }

  /** Resolves when nothing is written any more, and who waits for that was answered. */
  async close(): Promise<void> {
    for (const response of this.#watching) response.end();
    await Promise.allSettled(this.#writes);
    // What follows a write is sent before connections are closed.
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "/" } = request;
    expectOwn(request);
    const [path] = url.split(/[?#]/, 1);
    if (path === "/document") {
      this.#expectToken(request);
      expectMethod(method, "GET", "PUT");
      return send(response, method === "GET" ? await this.#read() : await this.#write(request));
    }
    if (path === "/watch") {
      this.#expectToken(request);
      expectMethod(method, "GET");
      return this.#watch(response);
    }
    expectMethod(method, "GET", "HEAD");
    // The page is small, and its server does not check ranges.
    delete request.headers.range;
    return this.#page(request, response, () => {
      send(response, refused(new Refusal(404, "not_found", "there is no such file")));
    });
  }

  async #read(): Promise<Answer> {
    const { text, etag } = await this.#file.read();
    const name = encodeURIComponent(this.#file.path);
    return { status: 200, headers: { ETag: etag, "Credential-Pool-Name": name }, body: text };
  }

  async #write(request: IncomingMessage): Promise<Answer> {
    const seen = request.headers["if-match"];
    if (seen === undefined) {
      throw new Refusal(428, "no_if_match", "send If-Match with the ETag of what was read; nothing was written");
    }
    const text = await textOf(request);
    const write = this.#replace(text, seen);
    this.#writes.add(write);
    return write.finally(() => this.#writes.delete(write));
  }

  async #replace(text: string, seen: string): Promise<Answer> {
    const { isWritten, etag } = await this.#file.replace(text, seen);
    const headers = { ETag: etag };
    if (isWritten) return { status: 200, headers };
    const message = "the document has changed since it was read: read it again; nothing was written";
    throw new Refusal(412, "changed", message, headers);
  }

  #watch(response: ServerResponse): void {
    response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store" });
    response.flushHeaders();
    this.#watching.add(response);
    const end = this.#file.watch((etag) => response.write(`event: changed\ndata: ${etag}\n\n`));
    response.on("close", () => {
      end();
      this.#watching.delete(response);
    });
  }

  #expectToken({ headers: { authorization = "" } }: IncomingMessage): void {
    // Of one length, as the comparison wants them.
    if (timingSafeEqual(digest(authorization), digest(`Bearer ${this.#token}`))) return;
    const message = "open the address that `credential-pool edit` shows; that of an earlier one is of no use";
    throw new Refusal(401, "no_token", message, { "WWW-Authenticate": "Bearer" });
  }
}

const HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  // The page has a policy of its own besides, but this part of one only counts in a header.
  "Content-Security-Policy": "frame-ancestors 'none'",
};

/** Refuses what a foreign page sent, or what came by a foreign name. */
function expectOwn({ headers: { host = "", origin }, socket }: IncomingMessage): void {
  const names = [HOST, "localhost"].map((name) => new URL(`http://${name}:${socket.localPort}`).host);
  if (!names.includes(host)) throw new Refusal(403, "foreign_host", `this server is ${names.join(" or ")}`);
  if (origin === undefined || origin === `http://${host}`) return;
  throw new Refusal(403, "foreign_origin", "only the page of this server may ask for that");
}

function expectMethod(method: string, ...allowed: string[]): void {
  if (allowed.includes(method)) return;
  const Allow = allowed.join(", ");
  throw new Refusal(405, "wrong_method", `this answers ${Allow}`, { Allow });
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** What was sent. All of it is taken in, so that who sends too much reads the answer. */
async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= MOST_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (length > MOST_BYTES) throw new Refusal(413, "too_large", "a document has 64 MB at most; nothing was written");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new Refusal(422, "invalid_document", "this is no text in UTF-8; nothing was overwritten");
  }
}

/** Anything that was thrown. */
function refused(error: unknown): Answer {
  if (error instanceof Refusal) return failure(error.status, error, error.headers);
  if (error instanceof PoolError) return failure(422, error);
  if (error instanceof StoreError) return failure(error.code === "locked" ? 503 : 500, error);
  // Not what was said: that may hold anything.
  return failure(500, { code: "fault", message: "a fault of this program; please report it" });
}

interface Told {
  code: string;
  message: string;
  pointer?: string;
}

function failure(status: number, { code, message, pointer }: Told, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: JSON.stringify({ code, message, pointer }) };
}

function send(response: ServerResponse, { status, headers, body = "" }: Answer): void {
  response.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Length": Buffer.byteLength(body),
    ...headers,
  }).end(body);
}

/**
 * HTTP server for the page and one document, on the loopback interface.
 *
 * Each run has a host name of its own under `localhost`, which browsers resolve themselves: no service worker, cookie or
 * stored data of an earlier page has the same origin, whatever the port. The Host header is checked against DNS
 * rebinding.
 *
 * The token is in the fragment of the address, which browsers do not send. The page exchanges it once for a cookie,
 * which no script can read, and which browsers send to no other host name.
 */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { PoolError, StoreError } from "credential-pool";
import type { DocumentFile } from "credential-pool/file-store";
import sirv from "sirv";

/** Options of the server. */
export interface EditServerOptions {
  file: DocumentFile;
  /** Folder of the page. */
  page: string;
  /** Port; 0 for any free port. */
  port: number;
}

/** A listening server. */
export interface EditServer {
  /** Address of the page, with the token. */
  url: string;
  port: number;
  /** Ends the server after the writes under way. */
  close(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";
const COOKIE = "credential-pool-edit";
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Listens on the loopback interface until closed.
 *
 * @throws The system's error, if the port is in use.
 */
export async function serve({ file, page, port }: EditServerOptions): Promise<EditServer> {
  const token = randomBytes(32).toString("base64url");
  // The page knows by this name that it is served by `edit`.
  const name = `${randomBytes(16).toString("hex")}.edit.localhost`;
  const handler = new RequestHandler(file, name, token, sirv(page, { dev: true, etag: true }));
  const server = createServer((request, response) => handler.handle(request, response));
  await listening(server, port);
  const { port: chosen } = server.address() as AddressInfo;
  return {
    url: `${new URL(`http://${name}:${chosen}`).origin}/#edit=${token}`,
    port: chosen,
    async close() {
      server.close();
      await handler.close();
      server.closeAllConnections();
    },
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, LOOPBACK, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** A refused request. The message repeats nothing of the request. */
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

/** Response to a request. */
interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

type Static = ReturnType<typeof sirv>;

class RequestHandler {
  readonly #file: DocumentFile;
  /** Host name of this run. */
  readonly #name: string;
  /** Token of the address; undefined once it is exchanged. */
  #token: string | undefined;
  /** Value of the cookie. */
  readonly #session = randomBytes(32).toString("base64url");
  readonly #page: Static;
  readonly #writes = new Set<Promise<Reply>>();
  readonly #watching = new Set<ServerResponse>();

  constructor(file: DocumentFile, name: string, token: string, page: Static) {
    this.#file = file;
    this.#name = name;
    this.#token = token;
    this.#page = page;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    // A client that has disconnected needs no error.
    response.on("error", () => {});
    void this.#respond(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, refused(error));
    });
  }

  /** Resolves when all writes are finished and their responses are sent. */
  async close(): Promise<void> {
    for (const response of this.#watching) response.end();
    await Promise.allSettled(this.#writes);
    // Responses to writes are sent before the connections are closed.
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "/" } = request;
    expectSameOrigin(request, this.#name);
    const [path] = url.split(/[?#]/, 1);
    if (path === "/session") {
      expectMethod(method, "POST");
      return send(response, this.#openSession(request));
    }
    if (path === "/document") {
      this.#expectSession(request);
      expectMethod(method, "GET", "PUT");
      return send(response, method === "GET" ? await this.#read() : await this.#write(request));
    }
    if (path === "/watch") {
      this.#expectSession(request);
      expectMethod(method, "GET");
      return this.#watch(response);
    }
    expectMethod(method, "GET", "HEAD");
    // sirv does not validate ranges; the page's files are small.
    delete request.headers.range;
    // A service worker would show the page after the end of this server.
    if (path === "/sw.js") throw notFound();
    return this.#page(request, response, () => {
      send(response, refused(notFound()));
    });
  }

  async #read(): Promise<Reply> {
    const { text, etag } = await this.#file.read();
    const name = encodeURIComponent(this.#file.path);
    return { status: 200, headers: { ETag: etag, "Credential-Pool-Name": name }, body: text };
  }

  async #write(request: IncomingMessage): Promise<Reply> {
    const etag = request.headers["if-match"];
    if (etag === undefined) {
      throw new Refusal(428, "no_if_match", "send If-Match with the ETag of the read text; nothing was written");
    }
    const text = await textOf(request);
    const write = this.#replace(text, etag);
    this.#writes.add(write);
    return write.finally(() => this.#writes.delete(write));
  }

  async #replace(text: string, expected: string): Promise<Reply> {
    const { isWritten, etag } = await this.#file.replace(text, expected);
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

  #openSession({ headers: { authorization = "" } }: IncomingMessage): Reply {
    if (this.#token === undefined) {
      const message = "this address was opened before: run `credential-pool edit` again, and open the address that it shows";
      throw new Refusal(401, "used_token", message, CHALLENGE);
    }
    if (!isSame(authorization, `Bearer ${this.#token}`)) {
      const message = "open the address that `credential-pool edit` shows; addresses of earlier runs are invalid";
      throw new Refusal(401, "no_token", message, CHALLENGE);
    }
    this.#token = undefined;
    const cookie = `${COOKIE}=${this.#session}; Path=/; HttpOnly; SameSite=Strict`;
    return { status: 204, headers: { "Set-Cookie": cookie } };
  }

  #expectSession({ headers: { cookie = "" } }: IncomingMessage): void {
    const cookies = cookie.split(";").map((pair) => pair.trim());
    if (cookies.some((pair) => isSame(pair, `${COOKIE}=${this.#session}`))) return;
    const message = "open the address that `credential-pool edit` shows, in the browser that opened it first";
    throw new Refusal(401, "no_session", message, CHALLENGE);
  }
}

const CHALLENGE = { "WWW-Authenticate": "Bearer" };

function notFound(): Refusal {
  return new Refusal(404, "not_found", "there is no such file");
}

const HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  // The page sets the rest of its policy in a meta element, where `frame-ancestors` has no effect.
  "Content-Security-Policy": "frame-ancestors 'none'",
};

/** Refuses requests of other origins, and requests under other host names. */
function expectSameOrigin({ headers: { host = "", origin }, socket }: IncomingMessage, name: string): void {
  const hostOf = (name: string) => new URL(`http://${name}:${socket.localPort}`).host;
  if (host !== hostOf(name)) {
    // Earlier versions registered service workers under these names.
    const isOurs = [LOOPBACK, "localhost"].map(hostOf).includes(host);
    const headers = isOurs ? { "Clear-Site-Data": `"cache", "storage"` } : {};
    const message = "open the address that `credential-pool edit` shows; it has a host name of its own";
    throw new Refusal(403, "foreign_host", message, headers);
  }
  if (origin === undefined || origin === `http://${host}`) return;
  throw new Refusal(403, "foreign_origin", "only the page of this server may send requests");
}

function expectMethod(method: string, ...allowed: string[]): void {
  if (allowed.includes(method)) return;
  const Allow = allowed.join(", ");
  throw new Refusal(405, "wrong_method", `this address takes ${Allow}`, { Allow });
}

/** Compares in constant time. */
function isSame(one: string, other: string): boolean {
  // Digests have equal lengths, which `timingSafeEqual` requires.
  const [left, right] = [one, other].map((text) => createHash("sha256").update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}

/** Returns the body of a request. Reads an oversized body to its end, so that the client reads the response. */
async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= MAX_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (length > MAX_BYTES) throw new Refusal(413, "too_large", "a document has 64 MB at most; nothing was written");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new Refusal(422, "invalid_document", "this is no text in UTF-8; nothing was overwritten");
  }
}

/** Returns the response for any thrown value. */
function refused(error: unknown): Reply {
  if (error instanceof Refusal) return failure(error.status, error, error.headers);
  if (error instanceof PoolError) return failure(422, error);
  if (error instanceof StoreError) return failure(error.code === "locked" ? 503 : 500, error);
  // Without the error's message, which may contain a secret.
  return failure(500, { code: "fault", message: "a fault of this program; please report it" });
}

interface ErrorBody {
  code: string;
  message: string;
  pointer?: string;
}

function failure(status: number, { code, message, pointer }: ErrorBody, headers: Record<string, string> = {}): Reply {
  return { status, headers, body: JSON.stringify({ code, message, pointer }) };
}

function send(response: ServerResponse, { status, headers, body = "" }: Reply): void {
  // A response without content has no length (RFC 9110, section 8.6).
  const content = status === 204 ? {} : { "Content-Length": Buffer.byteLength(body) };
  response.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-store",
    ...content,
    ...headers,
  }).end(body);
}

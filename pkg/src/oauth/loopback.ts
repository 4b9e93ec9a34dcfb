/** Loopback redirection: a port on this machine for the browser's redirect (RFC 8252, section 7.3). */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A response for the browser. */
export interface Page {
  status: number;
  text: string;
}

/** A listening port. */
export interface Loopback<Answer> {
  port: number;
  /** Answer of the first request that was the awaited redirect. */
  answered: Promise<Answer>;
  close(): Promise<void>;
}

/**
 * Listens on the loopback interface until closed.
 *
 * @param read Returns the page for a request's address, and an answer if the request was the awaited redirect.
 * @throws The system's error, if the port is in use.
 */
export async function listen<Answer>(
  { host, port }: { host: string; port: number },
  read: (url: string) => { page: Page; answer?: Answer },
): Promise<Loopback<Answer>> {
  let resolve!: (answer: Answer) => void;
  let reject!: (error: unknown) => void;
  const answered = new Promise<Answer>((...settle) => [resolve, reject] = settle);
  // A rejection before the first caller waits must not end the process.
  answered.catch(() => {});
  const server = createServer((request, response) => {
    const show = ({ status, text }: Page, done = () => {}) =>
      response.writeHead(status, HEADERS).end(`${text}\n`, done);
    request.resume();
    if (request.method !== "GET") return show({ status: 405, text: "This address only takes redirects." });
    try {
      const { page, answer } = read(request.url ?? "/");
      // The page is sent first, since the port may close with the answer.
      return show(page, () => {
        if (answer !== undefined) resolve(answer);
      });
    } catch (error) {
      reject(error);
      return show({ status: 500, text: "The login cannot continue." });
    }
  });
  await opened(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    answered,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

/** The address contains a code: it must neither be cached nor sent as a referrer. */
const HEADERS = {
  "Content-Type": "text/plain; charset=utf-8",
  "Cache-Control": "no-store",
  "Referrer-Policy": "no-referrer",
  Connection: "close",
};

function opened(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

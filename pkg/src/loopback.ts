/** A port on this machine that a browser comes back to (RFC 8252, section 7.3). */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What the browser is shown. */
export interface Page {
  status: number;
  text: string;
}

/** A port that listens. */
export interface Loopback<Answer> {
  port: number;
  /** What the first request came to that was the awaited one. */
  answered: Promise<Answer>;
  close(): Promise<void>;
}

/**
 * Listens on this machine alone, until it is closed.
 *
 * @param read Reads the address that a browser asked for.
 * @throws What the system says, if the port is taken.
 */
export async function listen<Answer>(
  { host, port }: { host: string; port: number },
  read: (url: string) => { page: Page; answer?: Answer },
): Promise<Loopback<Answer>> {
  let resolve!: (answer: Answer) => void;
  let reject!: (error: unknown) => void;
  const answered = new Promise<Answer>((...settle) => [resolve, reject] = settle);
  // Whoever waits is told; before that nobody may wait yet.
  answered.catch(() => {});
  const server = createServer((request, response) => {
    const show = ({ status, text }: Page, done = () => {}) => response.writeHead(status, HEADERS).end(`${text}\n`, done);
    request.resume();
    if (request.method !== "GET") return show({ status: 405, text: "There is nothing here but to come back to." });
    try {
      const { page, answer } = read(request.url ?? "/");
      // The page first: with the answer the port may close.
      return show(page, () => {
        if (answer !== undefined) resolve(answer);
      });
    } catch (error) {
      reject(error);
      return show({ status: 500, text: "The login cannot go on." });
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

/** Nothing of the address may go further than this page. */
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

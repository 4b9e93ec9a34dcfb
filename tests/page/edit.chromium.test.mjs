// The page of `credential-pool edit`: its token is used once, and nothing of another run or another program is in its way.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, test } from "node:test";

import { allText, openPage } from "./browser.mjs";
import { openServed, serveDocument } from "./edit-command.mjs";

const DOCUMENT = JSON.stringify({ credential_pool: { openrouter: [{ id: "a", label: "work", access_token: "sk-canary" }] } });

const shown = (page) => page.locator("pool-table").getByText("work").waitFor();
const token = (address) => new URL(address).hash.replace("#edit=", "");

/** A program of another person on a port, whose page registers a service worker that keeps all that it sees. */
async function startWorker(t) {
  const worker = `
    const seen = [];
    addEventListener("install", () => skipWaiting());
    addEventListener("activate", (event) => event.waitUntil(clients.claim()));
    addEventListener("fetch", (event) => {
      seen.push(event.request.url, ...event.request.headers.values());
      event.respondWith(fetch(event.request).catch(() => new Response("<title>foreign</title>" + seen, { headers: { "Content-Type": "text/html" } })));
    });
    addEventListener("message", ({ ports: [port] }) => port.postMessage(seen));
  `;
  const server = createServer(({ url }, response) => {
    const [type, body] = url === "/worker.js" ? ["text/javascript", worker] : ["text/html", `<script>navigator.serviceWorker.register("/worker.js")</script>`];
    response.writeHead(200, { "Content-Type": type }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  t.after(stop);
  return { port: server.address().port, stop };
}

describe("the page of `edit`", { concurrency: 2 }, () => {
  test("the token leaves the address and the history, and no script can read the session", async (t) => {
    const { page, address, browser, consoleErrors } = await openServed(t, DOCUMENT);
    await shown(page);
    assert.equal(page.url(), new URL("/", address).href);
    assert.ok(!(await allText(page)).includes(token(address)));
    assert.equal(await page.evaluate(() => document.cookie), "");
    const cookies = await browser.cookies();
    const [{ name, httpOnly, sameSite, domain }] = cookies;
    assert.deepEqual([cookies.length, name, httpOnly, sameSite, domain], [1, "credential-pool-edit", true, "Strict", new URL(address).hostname]);
    // The page before is the empty tab: `goto` would come back to an address with the token.
    await page.goto("about:blank");
    await page.goBack();
    await shown(page);
    assert.equal(page.url(), new URL("/", address).href);
    await page.reload();
    await shown(page);
    assert.deepEqual(consoleErrors, []);
  });

  test("the address works again in the same browser, and in no other", async (t) => {
    const { browser, address } = await openServed(t, DOCUMENT);
    const again = await browser.newPage();
    await again.goto(address);
    await shown(again);

    const { page } = await openPage(t);
    await page.goto(address);
    await page.getByRole("alert").getByText("This address was opened before: run `credential-pool edit` again").waitFor();
    assert.equal(await page.locator("pool-table").count(), 0);
    assert.equal(await page.evaluate(async () => (await fetch("./document")).status), 401);
  });

  test("no service worker is registered: when the server has ended, no page is shown", async (t) => {
    const { page, stop } = await openServed(t, DOCUMENT);
    await shown(page);
    assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
    await stop();
    await assert.rejects(page.reload(), /ERR_CONNECTION_REFUSED/);
  });

  test("a service worker of another program on the same port sees neither token nor document", async (t) => {
    const { port, stop } = await startWorker(t);
    const { page } = await openPage(t);
    await page.goto(`http://127.0.0.1:${port}/`);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    const foreign = page;
    await stop();
    const { address } = await serveDocument(t, DOCUMENT, "--port", String(port));
    const edit = await foreign.context().newPage();
    await edit.goto(address);
    await shown(edit);
    const seen = await foreign.evaluate(() => new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => resolve(data.join("\n"));
      navigator.serviceWorker.controller.postMessage("seen", [port2]);
    }));
    assert.ok(!seen.includes(token(address)) && !seen.includes("/document"), seen);
  });
});

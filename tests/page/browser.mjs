// The built page in a real browser, as its tests see it.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const require = createRequire(at("../../www/package.json"));
const { chromium } = require("playwright-core");
const sirv = createRequire(at("../../pkg/package.json"))("sirv");

/** The browser of Debian, or the one that `CHROMIUM` names. */
export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

const QUIET = [
  "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--disable-quic",
];

/** Serves the built page on loopback until the test is over, with other text `instead` of some files; answers its address. */
export async function serve(t, instead = {}) {
  const page = sirv(at("../../www/dist"), { dev: false });
  const server = createServer((request, response) => {
    const text = instead[request.url.slice(1)];
    return text === undefined ? page(request, response) : response.end(text);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))));
  return `http://127.0.0.1:${server.address().port}/`;
}

/**
 * Opens the page, with a document if there is one.
 *
 * @returns the page, and what must stay empty: `violations` of the policy, `strangers` that it sent requests to, and
 * `troubles` on the console; `said` is all that it wrote there.
 */
export async function openPage(t, { document, name = "auth.json", url, ...context } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "credential-pool-page-"));
  const browser = await chromium.launchPersistentContext(folder, {
    executablePath: CHROMIUM, headless: true, args: QUIET, acceptDownloads: true, ...context,
  });
  t.after(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });
  const address = url ?? (await serve(t));
  const page = browser.pages()[0] ?? (await browser.newPage());
  const seen = { violations: [], strangers: [], troubles: [], said: [] };
  page.on("console", (message) => {
    seen.said.push(message.text());
    if (message.type() === "error") seen.troubles.push(message.text());
  });
  page.on("pageerror", (error) => seen.troubles.push(String(error)));
  browser.on("request", (request) => {
    const to = new URL(request.url());
    if (to.protocol.startsWith("http") && to.origin !== new URL(address).origin) seen.strangers.push(to.origin);
  });
  await page.exposeFunction("toldOfViolation", (directive) => void seen.violations.push(directive));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => window.toldOfViolation(`${event.violatedDirective} ${event.blockedURI}`));
    // The pickers of the system cannot be operated by a script: the fallbacks are, and a test puts its own in their place.
    delete window.showOpenFilePicker;
    delete window.showSaveFilePicker;
  });
  await page.goto(address);
  await page.getByRole("button", { name: "Open a file…" }).waitFor();
  if (document !== undefined) await openDocument(page, document, name);
  return { page, browser, address, ...seen };
}

/** Opens a document as a person does who has no File System Access. */
export async function openDocument(page, text, name = "auth.json") {
  const chosen = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: /^Open/ }).click();
  await (await chosen).setFiles({ name, mimeType: "application/json", buffer: Buffer.from(text) });
  await page.getByRole("tab", { name: "Table" }).waitFor();
}

/** All text and attributes of the page, within all shadows, and all that a page can leave elsewhere. */
export async function everything(page) {
  return page.evaluate(() => {
    const texts = [];
    const walk = (node) => {
      if (node.nodeType === Node.TEXT_NODE || node.nodeType === Node.COMMENT_NODE) texts.push(node.data);
      for (const { name, value } of node.attributes ?? []) texts.push(`${name}=${value}`);
      if (node instanceof HTMLInputElement || node instanceof HTMLTextAreaElement) texts.push(node.value);
      if (node.shadowRoot) walk(node.shadowRoot);
      for (const child of node.childNodes) walk(child);
    };
    walk(document);
    const stored = [localStorage, sessionStorage].flatMap((storage) => Object.entries(storage).flat());
    return [document.title, location.href, ...stored, ...texts].join("\n");
  });
}

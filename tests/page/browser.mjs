// The built page in a real browser, as its tests see it: the same tests for each, one browser per run.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const require = createRequire(at("../../www/package.json"));
const { chromium, firefox } = require("playwright-core");
const sirv = createRequire(at("../../pkg/cli/package.json"))("sirv");

/** Debian's browsers, or those that the variables name; how each is started, and kept from the network. */
const BROWSERS = {
  chromium: ({ permissions = [], colorScheme = "light" }) => ({
    type: chromium,
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
      "--disable-sync", "--disable-quic",
    ],
    permissions,
    colorScheme,
  }),
  // As Mozilla builds it, by WebDriver BiDi. That knows neither these permissions nor the scheme: preferences do.
  firefox: ({ permissions = [], colorScheme = "light" }) => ({
    type: firefox,
    channel: "moz-firefox",
    executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    firefoxUserPrefs: {
      "layout.css.prefers-color-scheme.content-override": colorScheme === "dark" ? 0 : 1,
      "dom.events.testing.asyncClipboard": permissions.length > 0,
      // What is not on loopback goes to a proxy that is not there.
      "network.proxy.type": 1,
      "network.proxy.http": "127.0.0.1",
      "network.proxy.http_port": 9,
      "network.proxy.ssl": "127.0.0.1",
      "network.proxy.ssl_port": 9,
      "network.proxy.no_proxies_on": "127.0.0.1",
    },
  }),
};

/** The browser of all tests of a run: `chromium`, unless `TEST_BROWSER` names another. */
export const BROWSER = process.env.TEST_BROWSER ?? "chromium";

/** The folders to which pages download. */
const downloadsOf = new WeakMap();

/**
 * Serves the built page on loopback until the test is over, with other text `instead` of some files; answers its address,
 * and how to stop it before.
 */
async function serve(t, instead = {}) {
  const page = sirv(at("../../www/dist"), { dev: false });
  const server = createServer((request, response) => {
    const text = instead[request.url.slice(1)];
    return text === undefined ? page(request, response) : response.end(text);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  t.after(stop);
  return { address: `http://127.0.0.1:${server.address().port}/`, stop };
}

/**
 * Opens the page, with a document if there is one.
 *
 * @returns the page, its browser and address, how to `stop` its server, and what must stay empty: `violations` of the
 * policy, `strangers` that it sent requests to, and `troubles` on the console; `said` is all that it wrote there.
 */
export async function openPage(t, { document, name = "auth.json", instead, permissions, colorScheme, ...context } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "credential-pool-page-"));
  const { type, ...settings } = BROWSERS[BROWSER]({ permissions, colorScheme });
  const downloadsPath = join(folder, "downloads");
  const browser = await type.launchPersistentContext(join(folder, "profile"), {
    headless: true, acceptDownloads: true, downloadsPath, ...settings, ...context,
  });
  t.after(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });
  const { address, stop } = await serve(t, instead);
  const page = browser.pages()[0] ?? (await browser.newPage());
  downloadsOf.set(page, downloadsPath);
  const seen = { violations: [], strangers: [], troubles: [], said: [] };
  page.on("console", (message) => {
    seen.said.push(message.text());
    if (message.type() === "error") seen.troubles.push(message.text());
  });
  page.on("pageerror", (error) => {
    seen.said.push(String(error));
    seen.troubles.push(String(error));
  });
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
  return { page, browser, address, stop, ...seen };
}

/** Opens a document as a person does who has no File System Access. */
export async function openDocument(page, text, name = "auth.json") {
  const chosen = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: /^Open/ }).click();
  await (await chosen).setFiles({ name, mimeType: "application/json", buffer: Buffer.from(text) });
  await page.getByRole("tab", { name: "Table" }).waitFor();
}

/** Downloads as a person does; answers the text that came out, and under which name. */
export async function download(page, button) {
  if (BROWSER !== "firefox") {
    const download = page.waitForEvent("download");
    await button.click();
    const file = await download;
    return { name: file.suggestedFilename(), text: await readFile(await file.path(), "utf8") };
  }
  // Downloads without a navigation are not told yet: the file itself is waited for. It is empty while another is written.
  const files = () => readdir(downloadsOf.get(page)).catch(() => []);
  const before = await files();
  await button.click();
  for (let tries = 0; tries < 300; tries += 1) {
    const after = await files();
    const name = after.find((each) => !before.includes(each));
    const isWhole = name !== undefined && !after.some((each) => each.endsWith(".part"));
    const text = isWhole ? await readFile(join(downloadsOf.get(page), name), "utf8") : "";
    if (text !== "") return { name, text };
    await page.waitForTimeout(100);
  }
  throw new Error("nothing was downloaded");
}

/** Drags from the middle of an element into the lower part of another. */
export async function drag(page, from, to) {
  const [begin, end] = [await from.boundingBox(), await to.boundingBox()];
  const x = begin.x + begin.width / 2;
  const y = begin.y + begin.height / 2;
  const place = { clientX: x, clientY: end.y + end.height - 4 };
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x, y + 30, { steps: 3 });
  if (BROWSER === "firefox") {
    // The drag has begun, but the mouse of WebDriver BiDi moves nothing within it.
    await page.waitForTimeout(200);
    const dataTransfer = await page.evaluateHandle(() => new DataTransfer());
    for (const event of ["dragover", "drop"]) await to.dispatchEvent(event, { ...place, dataTransfer });
    return;
  }
  await page.mouse.move(place.clientX, place.clientY, { steps: 5 });
  await page.mouse.up();
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

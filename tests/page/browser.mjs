// Opens the built page in a real browser for tests. All tests of a run use one browser, chosen by TEST_BROWSER.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { after } from "node:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const require = createRequire(at("../../www/package.json"));
const { chromium, firefox } = require("playwright-core");
const sirv = createRequire(at("../../pkg/cli/package.json"))("sirv");

/** Launch settings of the browsers: Debian's, or those named by CHROMIUM and FIREFOX. Neither reaches the network. */
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
  // An unpatched Firefox, driven by WebDriver BiDi. Permissions and colour scheme are set by preferences: BiDi cannot set them.
  firefox: ({ permissions = [], colorScheme = "light" }) => ({
    type: firefox,
    channel: "moz-firefox",
    executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    firefoxUserPrefs: {
      "layout.css.prefers-color-scheme.content-override": colorScheme === "dark" ? 0 : 1,
      "dom.events.testing.asyncClipboard": permissions.length > 0,
      // All traffic outside of loopback goes to a proxy that does not exist.
      "network.proxy.type": 1,
      "network.proxy.http": "127.0.0.1",
      "network.proxy.http_port": 9,
      "network.proxy.ssl": "127.0.0.1",
      "network.proxy.ssl_port": 9,
      "network.proxy.no_proxies_on": "127.0.0.1",
    },
  }),
};

/** Longest time that a test waits for a change of the page, in ms: long enough for a machine that does other work too. */
export const PATIENCE_MS = 120_000;

/** Browser of the run: `chromium`, unless `TEST_BROWSER` names another. */
export const BROWSER = process.env.TEST_BROWSER ?? "chromium";

/** Download folders, by page. */
const downloadsOf = new WeakMap();

/**
 * Serves the built page on loopback until the test ends. `instead` replaces the text of some files. Returns the address and a
 * function that stops the server.
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

/** Browser that the tests of a file share, each with a context of its own: to start a browser takes longer than most tests. */
let shared;
after(async () => (await shared)?.close());

/**
 * Opens a browser without data. A context of the shared browser is one, except in two cases: an app cannot be installed
 * from it (`hasProfile`), and WebDriver BiDi sets some preferences only when a browser starts.
 */
async function openBrowser(t, { hasProfile, permissions, colorScheme, ...context }) {
  const { type, ...settings } = BROWSERS[BROWSER]({ permissions, colorScheme });
  if (BROWSER === "chromium" && !hasProfile) {
    const { permissions: _, colorScheme: __, ...launch } = settings;
    const browser = await (shared ??= type.launch({ headless: true, ...launch }));
    const opened = await browser.newContext({ acceptDownloads: true, permissions, colorScheme, ...context });
    t.after(() => opened.close());
    return { browser: opened };
  }
  const folder = await mkdtemp(join(tmpdir(), "credential-pool-page-"));
  const downloadsPath = join(folder, "downloads");
  const browser = await type.launchPersistentContext(join(folder, "profile"), {
    headless: true, acceptDownloads: true, downloadsPath, ...settings, ...context,
  });
  t.after(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { browser, downloadsPath };
}

/**
 * Opens the page, with `document` if it is given. `address` is the page of another server, which opens its own document.
 *
 * @returns the page, its browser and address, `stop` for its server, and lists that must stay empty: `violations` of the
 * Content-Security-Policy, `foreignOrigins` of its requests, and `consoleErrors`. `consoleLines` is all console output.
 */
export async function openPage(t, { document, name = "auth.json", instead, address: given, ...context } = {}) {
  const { browser, downloadsPath } = await openBrowser(t, context);
  browser.setDefaultTimeout(PATIENCE_MS);
  const { address, stop } = given === undefined ? await serve(t, instead) : { address: given };
  const page = browser.pages()[0] ?? (await browser.newPage());
  downloadsOf.set(page, downloadsPath);
  const seen = { violations: [], foreignOrigins: [], consoleErrors: [], consoleLines: [] };
  page.on("console", (message) => {
    seen.consoleLines.push(message.text());
    if (message.type() === "error") seen.consoleErrors.push(message.text());
  });
  page.on("pageerror", (error) => {
    seen.consoleLines.push(String(error));
    seen.consoleErrors.push(String(error));
  });
  browser.on("request", (request) => {
    const to = new URL(request.url());
    if (to.protocol.startsWith("http") && to.origin !== new URL(address).origin) seen.foreignOrigins.push(to.origin);
  });
  await page.exposeFunction("recordViolation", (directive) => void seen.violations.push(directive));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => window.recordViolation(`${event.violatedDirective} ${event.blockedURI}`));
    // Scripts cannot operate the file pickers of the system. Tests use the fallbacks, or install their own pickers.
    delete window.showOpenFilePicker;
    delete window.showSaveFilePicker;
  });
  await page.goto(address);
  await page.getByRole("button", { name: given === undefined ? "Open a file…" : "Open…" }).waitFor();
  if (document !== undefined) await openDocument(page, document, name);
  return { page, browser, address, stop, ...seen };
}

/** Opens a document through the fallback for browsers without the File System Access API. */
export async function openDocument(page, text, name = "auth.json") {
  const chosen = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: /^Open/ }).click();
  await (await chosen).setFiles({ name, mimeType: "application/json", buffer: Buffer.from(text) });
  await page.getByRole("tab", { name: "Table" }).waitFor();
}

/** Presses a button that downloads a file. Returns name and text of the file. */
export async function download(page, button) {
  if (BROWSER !== "firefox") {
    const download = page.waitForEvent("download");
    await button.click();
    const file = await download;
    return { name: file.suggestedFilename(), text: await readFile(await file.path(), "utf8") };
  }
  // WebDriver BiDi does not report downloads without a navigation: the test waits for the file itself. Firefox first creates it empty.
  const files = () => readdir(downloadsOf.get(page)).catch(() => []);
  const before = await files();
  await button.click();
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await page.waitForTimeout(100)) {
    const after = await files();
    const name = after.find((each) => !before.includes(each));
    const isWhole = name !== undefined && !after.some((each) => each.endsWith(".part"));
    const text = isWhole ? await readFile(join(downloadsOf.get(page), name), "utf8") : "";
    if (text !== "") return { name, text };
  }
  throw new Error("nothing was downloaded");
}

/** Drags from the middle of an element into the lower part of another element. */
export async function drag(page, from, to) {
  const [begin, end] = [await from.boundingBox(), await to.boundingBox()];
  const x = begin.x + begin.width / 2;
  const y = begin.y + begin.height / 2;
  const place = { clientX: x, clientY: end.y + end.height - 4 };
  await page.evaluate(() => {
    window.hasDragStarted = false;
    addEventListener("dragstart", () => (window.hasDragStarted = true), { once: true, capture: true });
  });
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x, y + 30, { steps: 3 });
  if (BROWSER === "firefox") {
    // The mouse of WebDriver BiDi starts a drag, but sends no events within it: the test dispatches them.
    await page.waitForFunction(() => window.hasDragStarted);
    const dataTransfer = await page.evaluateHandle(() => new DataTransfer());
    for (const event of ["dragover", "drop"]) await to.dispatchEvent(event, { ...place, dataTransfer });
    return;
  }
  await page.mouse.move(place.clientX, place.clientY, { steps: 5 });
  await page.mouse.up();
}

/** Returns all text and attributes of the page, including shadow trees, its title, address and storage. */
export async function allText(page) {
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

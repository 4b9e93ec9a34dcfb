// Installing the page as an app: the criteria of Chromium, and use without a network.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { openPage } from "./browser.mjs";

const MANIFEST = JSON.parse(await readFile(new URL("../../www/public/manifest.webmanifest", import.meta.url), "utf8"));

/** Opens the page and waits until its service worker controls it. `ask` sends a command of the DevTools protocol. */
async function openControlled(t, instead) {
  const { page, browser, address } = await openPage(t, { instead, hasProfile: true });
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  const session = await browser.newCDPSession(page);
  return { page, browser, address, ask: (method) => session.send(method) };
}

describe("the page as an app", { concurrency: 2 }, () => {
  test("Chromium finds no installability errors", async (t) => {
    const { page, address, ask } = await openControlled(t);
    const { errors, manifest } = await ask("Page.getAppManifest");
    assert.deepEqual(errors, []);
    assert.deepEqual((await ask("Page.getInstallabilityErrors")).installabilityErrors, []);
    const { name, display, id, startUrl, scope } = manifest;
    assert.deepEqual({ name, display, id, startUrl, scope }, {
      name: "credential-pool", display: "kStandalone", id: address, startUrl: address, scope: address,
    });
    const { scope: controlled, state } = await page.evaluate(async () => {
      const { scope, active } = await navigator.serviceWorker.ready;
      return { scope, state: active.state };
    });
    assert.deepEqual([controlled, state], [address, "activated"]);
  });

  const lacks = {
    "no icon": [{ ...MANIFEST, icons: [] }, ["manifest-missing-suitable-icon", "no-acceptable-icon"]],
    "no name": [{ ...MANIFEST, name: undefined, short_name: undefined }, ["manifest-missing-name-or-short-name"]],
    "display mode `browser`": [{ ...MANIFEST, display: "browser" }, ["manifest-display-not-supported"]],
  };
  for (const [what, [manifest, expected]] of Object.entries(lacks)) {
    test(`Chromium reports ${what}`, async (t) => {
      const { ask } = await openControlled(t, { "manifest.webmanifest": JSON.stringify(manifest) });
      const found = (await ask("Page.getInstallabilityErrors")).installabilityErrors;
      assert.deepEqual(found.map(({ errorId }) => errorId), expected);
    });
  }

  test("every icon of the manifest has the stated size and type, and 192 and 512 px exist", async (t) => {
    const { page } = await openControlled(t);
    const icons = await page.evaluate(async (icons) => Promise.all(icons.map(async ({ src, sizes, type, purpose }) => {
      const image = Object.assign(new Image(), { src });
      await image.decode();
      const is = (await fetch(src)).headers.get("content-type");
      return { purpose, isType: is === type, size: sizes === "any" ? "any" : `${image.naturalWidth}x${image.naturalHeight}`, sizes };
    })), MANIFEST.icons);
    for (const { isType, size, sizes } of icons) assert.deepEqual([isType, size], [true, sizes]);
    for (const size of ["any", "192x192", "512x512"]) assert.ok(icons.some((icon) => icon.size === size && icon.purpose === "any"), size);
    assert.ok(icons.some(({ size, purpose }) => size === "512x512" && purpose === "maskable"));
  });

  test("all files are cached byte for byte, and the page starts without a network", async (t) => {
    const { page, browser, address } = await openControlled(t);
    const hashes = () => page.evaluate(async () => {
      const [name] = await caches.keys();
      const kept = await (await caches.open(name)).keys();
      const entries = await Promise.all(kept.map(async ({ url }) => {
        const digest = await crypto.subtle.digest("SHA-256", await (await fetch(url)).arrayBuffer());
        return [url, [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("")];
      }));
      return Object.fromEntries(entries);
    });
    await browser.setOffline(true);
    const kept = await hashes();
    for (const [url, hash] of Object.entries(kept)) {
      const path = url.slice(address.length) || "index.html";
      const file = await readFile(new URL(`../../www/dist/${path}`, import.meta.url));
      assert.equal(hash, createHash("sha256").update(file).digest("hex"), path);
    }
    for (const { src } of MANIFEST.icons) assert.ok(`${address}${src}` in kept, src);
    await page.goto(`${address}index.html`);
    await page.getByRole("button", { name: "New document" }).waitFor();
  });
});

// Every view: Content-Security-Policy, accessibility, layout, size, offline use; faulty, large and non-JSON documents.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { download, allText, openPage } from "./browser.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const AXE = await readFile(createRequire(at("../../www/package.json")).resolve("axe-core/axe.min.js"), "utf8");
const CANARY = "sk-canary-0123456789abcdef";

async function axe(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
}

/** Returns the elements that scroll, horizontally (`Width`) or vertically (`Height`). */
function scrolled(page, size) {
  return page.evaluate((size) => {
    const found = [];
    const walk = (node) => {
      const isScroller = node === document.documentElement || /auto|scroll/.test(getComputedStyle(node).overflow);
      if (isScroller && node[`scroll${size}`] > node[`client${size}`]) {
        found.push([node.getRootNode().host?.tagName, `${node.localName}${node.className && `.${node.className}`}`].join(" "));
      }
      for (const child of [...(node.shadowRoot?.children ?? []), ...node.children]) walk(child);
    };
    walk(document.documentElement);
    return found;
  }, size);
}

const VIEWS = { Table: "pool-table", JSON: "raw-view .cm-content", "Try it": "try-view svg" };
const show = async (page, view) => {
  await page.getByRole("tab", { name: view }).click();
  await page.locator(VIEWS[view]).first().waitFor();
  if (view === "JSON") await checked(page);
  await page.evaluate(async () => {
    // Sizes are measured and drawn within two frames.
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
  });
};

/** Waits until the JSON view lists the problems of the current text. */
async function checked(page) {
  await page.waitForFunction(() => {
    const raw = document.querySelector("pool-page").shadowRoot.querySelector("raw-view");
    return raw.problems === raw.editing.problems;
  });
  await page.locator("raw-view").evaluate(async (raw) => {
    await raw.updateComplete;
    await raw.renderRoot.querySelector("problem-list").updateComplete;
  });
}

const ILL = `{
  "version": 2,
  "credential_pool": {
    "openrouter": [
      {"id": "a", "label": "no secret"},
      {"id": "a", "label": "twice the id", "access_token": "${CANARY}-1"},
      {"label": "no id", "access_token": "${CANARY}-1"},
      {"id": "b", "label": "wrong type", "priority": "3", "access_token": "${CANARY}-2"},
      {"id": "c", "auth_type": "strange", "access_token": "${CANARY}-3", "last_status": "odd", "label": "x", "label": "y"},
      {"id": "d", "auth_type": "oauth", "access_token": "${CANARY}-4", "last_status": "exhausted", "last_status_at": 99999999999}
    ],
    "Custom:Upper ": [{"id": "e", "access_token": "${CANARY}-5"}]
  },
  "credential_pool_strategies": {"openrouter": "nonsense"},
  "credential_pool_policies": {"openrouter": {"patience_ms": "long"}}
}
`;

describe("every view", { concurrency: 2 }, () => {
  for (const colorScheme of ["light", "dark"]) {
    test(`${colorScheme} scheme: no axe violations, no policy violations, no foreign requests`, async (t) => {
      const { page, violations, foreignOrigins, consoleErrors } = await openPage(t, { colorScheme, viewport: { width: 1400, height: 900 } });
      assert.deepEqual(await axe(page), [], "welcome");
      await page.getByRole("button", { name: "Try a sample" }).click();
      for (const view of Object.keys(VIEWS)) {
        await show(page, view);
        assert.deepEqual(await axe(page), [], view);
      }
      await show(page, "JSON");
      const scrollbars = await page.locator("raw-view .cm-scroller").evaluate((node) => getComputedStyle(node).scrollbarColor);
      assert.notEqual(scrollbars, "auto", "scrollbars follow the colour scheme");
      await show(page, "Table");
      await page.getByRole("button", { name: "Add…" }).click();
      assert.deepEqual(await axe(page), [], "form");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Remove work" }).click();
      await page.getByRole("button", { name: "Save…" }).click();
      await page.getByRole("button", { name: "Cancel" }).waitFor();
      assert.deepEqual(await axe(page), [], "save dialog");
      assert.deepEqual({ violations, foreignOrigins, consoleErrors }, { violations: [], foreignOrigins: [], consoleErrors: [] });
    });
  }

  test("nothing is cut off from 320 px to 4K", async (t) => {
    const { page } = await openPage(t, {});
    await page.getByRole("button", { name: "Try a sample" }).click();
    for (const width of [320, 768, 1280, 3840]) {
      await page.setViewportSize({ width, height: 800 });
      for (const view of Object.keys(VIEWS)) {
        await show(page, view);
        // Tables may scroll, and the list of pools when it is a row.
        const beyond = (await scrolled(page, "Width")).filter((each) => !each.endsWith(".scroll") && each !== "POOL-LIST ul");
        assert.deepEqual(beyond, [], `${view} at ${width} px`);
      }
    }
    await page.setViewportSize({ width: 1280, height: 1000 });
    await show(page, "Table");
    await page.getByRole("button", { name: "Remove work" }).click();
    await page.getByRole("button", { name: "Save…" }).click();
    await page.getByRole("button", { name: "Cancel" }).waitFor();
    assert.deepEqual(await scrolled(page, "Height"), ["SAVE-DIALOG div.changes"]);
  });
});

describe("the JSON view", { concurrency: 2 }, () => {
  test("a document with problems of every kind is shown, repaired and saved, and no secret shows", async (t) => {
    const { page, violations, consoleErrors, consoleLines } = await openPage(t, { document: ILL, viewport: { width: 1400, height: 1000 } });
    await show(page, "JSON");
    assert.doesNotMatch(await allText(page), /canary/);
    // Each repair is one press. Problems without a repair stay.
    for (let press = 0; press < 30; press += 1) {
      const fix = page.locator("raw-view").getByRole("button", { name: /^(Delete|Use|Assign|Remove|Clear|Rename|Put|Wrap|Close|Add the)/ }).first();
      if ((await fix.count()) === 0) break;
      await fix.click();
      await checked(page);
    }
    await page.getByRole("tab", { name: "Table" }).click();
    assert.equal(await page.getByText("unreadable").count(), 0);
    assert.doesNotMatch(await allText(page), /canary/);
    await page.getByRole("button", { name: "Save…" }).click();
    await page.getByRole("button", { name: /^Download auth.json/ }).waitFor();
    assert.doesNotMatch(await allText(page), /canary/);
    const { text } = await download(page, page.getByRole("button", { name: /^Download auth.json/ }));
    const { credential_pool: pools } = JSON.parse(text);
    assert.ok(pools.openrouter.every(({ id }) => typeof id === "string"));
    assert.match(text, /canary/);
    assert.deepEqual({ violations, consoleErrors }, { violations: [], consoleErrors: [] });
    assert.doesNotMatch(consoleLines.join("\n"), /canary/);
  });

  test("text that is not JSON is kept as typed, and undo restores the document", async (t) => {
    const document = `{"credential_pool": {"openrouter": [{"id": "a", "label": "work", "access_token": "${CANARY}"}]}}`;
    const { page } = await openPage(t, { document });
    await show(page, "JSON");
    await page.locator("raw-view .cm-content").focus();
    await page.keyboard.press("Control+End");
    await page.keyboard.type(" and this is no JSON {{{");
    await page.getByRole("tab", { name: "Table" }).click();
    await page.getByRole("heading", { name: "This text is not a document yet" }).waitFor();
    await page.getByRole("button", { name: "Repair it in the JSON view" }).click();
    await page.getByText("and this is no JSON {{{").waitFor();
    assert.doesNotMatch(await allText(page), /canary/);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByRole("tab", { name: "Table" }).click();
    await page.locator("pool-table").getByText("work").waitFor();
  });

  test("a document of 5 MB stays responsive", async (t) => {
    const pool = (p) => Array.from({ length: 200 }, (_, i) => ({
      id: `p${p}k${i}`, label: `key ${i}`, auth_type: "api_key", priority: i, source: "manual",
      access_token: `${CANARY}-${p}-${i}-${"x".repeat(40)}`, last_status: null, last_status_at: null, last_error_code: null, request_count: i,
    }));
    const pools = Object.fromEntries(Array.from({ length: 75 }, (_, p) => [`custom:p${p}`, pool(p)]));
    const document = JSON.stringify({ version: 1, providers: {}, credential_pool: pools }, null, 2);
    const { page } = await openPage(t, { document });
    await page.locator("pool-table .name").first().waitFor();
    const times = await page.evaluate(async () => {
      const root = document.querySelector("pool-page").shadowRoot;
      const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      const timed = async (action) => {
        const began = performance.now();
        action();
        await painted();
        return Math.round(performance.now() - began);
      };
      const table = () => root.querySelector("pool-table").shadowRoot;
      const { editing } = document.querySelector("pool-page");
      const results = { choose: [], move: [] };
      for (let step = 1; step < 8; step += 1) {
        results.choose.push(await timed(() => root.querySelector("pool-list").shadowRoot.querySelectorAll(".pool")[step].click()));
        const settled = new Promise((resolve) => editing.addEventListener("settled", resolve, { once: true }));
        results.move.push(await timed(() => table().querySelectorAll(".handle")[1].dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }))));
        await settled;
      }
      return results;
    });
    t.diagnostic(`${(document.length / 1e6).toFixed(1)} MB: to choose a pool takes ${times.choose.join(", ")} ms, to move a row ${times.move.join(", ")} ms`);
    await show(page, "JSON");
    await page.locator("raw-view .cm-content").focus();
    const typed = await page.evaluate(async () => {
      const began = performance.now();
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      return performance.now() - began;
    });
    t.diagnostic(`the JSON of it is there; a frame takes ${typed.toFixed(0)} ms`);
    assert.doesNotMatch(await allText(page), /canary/);
  });
});

describe("the page as it is served", () => {
  test("the page works offline after the first visit", async (t) => {
    const { page, stop } = await openPage(t, {});
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await stop();
    await page.reload();
    await page.getByRole("button", { name: "Try a sample" }).click();
    for (const view of Object.keys(VIEWS)) await show(page, view);
  });

  test("showing a document loads less than 170 KB, and the first edit loads the whole core", async (t) => {
    const { page } = await openPage(t, {});
    const loaded = async () => {
      const names = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname));
      const files = ["/index.html", ...new Set(names)].filter((name) => /\.(html|js|css|wasm|svg|webmanifest)$/.test(name));
      return Promise.all(files.map(async (name) => {
        const { length } = gzipSync(await readFile(at(`../../www/dist${name}`)), { level: 9 });
        return { name, length };
      }));
    };
    const listed = (files) => files.map(({ name, length }) => `${(length / 1000).toFixed(1)} KB ${name}`).join("\n");
    const wasms = (files) => files.filter(({ name }) => name.endsWith(".wasm")).length;

    await page.getByRole("button", { name: "Try a sample" }).click();
    await page.getByRole("button", { name: "Add…" }).waitFor();
    const first = await loaded();
    t.diagnostic(listed(first));
    assert.equal(wasms(first), 1);
    const sum = first.reduce((bytes, { length }) => bytes + length, 0);
    assert.ok(sum < 170_000, `${sum} bytes were loaded:\n${listed(first)}`);

    await page.getByRole("button", { name: "Add…" }).click();
    await page.getByRole("dialog").waitFor();
    const then = await loaded();
    assert.equal(wasms(then), 2);
    assert.ok(!then.some(({ name }) => name.includes("raw-view")), "the editor is a chunk of its own");
  });
});

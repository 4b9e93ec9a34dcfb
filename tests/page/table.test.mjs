// The table: open, edit, undo, order, save; secrets never show.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { download, drag, allText, openDocument, openPage } from "./browser.mjs";

const CANARY = "sk-canary-0123456789abcdef";
const row = (id, label, priority, more = {}) => ({
  id, label, auth_type: "api_key", priority, source: "manual", access_token: `${CANARY}-${id}`, last_status: null,
  last_status_at: null, last_error_code: null, base_url: `https://user:${CANARY}-password@example.com/v1?key=${CANARY}`,
  request_count: 3, ...more,
});
const DOCUMENT = `{
  "version": 1,
  "mine": [1.0, 2e3, "\\u00e9"],
  "providers": { "other": { "access_token": "${CANARY}-other" } },
  "credential_pool": {
    "openrouter": ${JSON.stringify([row("aaaaaa", "work", 0), row("bbbbbb", "spare", 1), row("cccccc", "third", 2)], null, 2)}
  }
}
`;

const labels = (page) => page.locator("pool-table .name strong").allTextContents();
const undo = (page) => page.getByRole("button", { name: "Undo" }).click();

/** Saves. Returns the saved text. */
async function saved(page) {
  await page.getByRole("button", { name: "Save…" }).click();
  const { name, text } = await download(page, page.getByRole("button", { name: /^Download auth.json/ }));
  assert.equal(name, "auth.json");
  return text;
}

function isQuiet({ violations, foreignOrigins, consoleErrors, consoleLines }) {
  assert.deepEqual({ violations, foreignOrigins, consoleErrors }, { violations: [], foreignOrigins: [], consoleErrors: [] });
  assert.doesNotMatch(consoleLines.join("\n"), /canary/);
}

describe("the table", { concurrency: 2 }, () => {
  test("text that was not edited is saved byte for byte, and secrets show nowhere", async (t) => {
    const { page, ...seen } = await openPage(t, { document: DOCUMENT });
    assert.deepEqual(await labels(page), ["work", "spare", "third"]);
    await page.getByRole("button", { name: "Edit spare" }).click();
    await page.getByLabel("Label").fill("second");
    await page.getByRole("button", { name: "Change" }).click();
    assert.deepEqual(await labels(page), ["work", "second", "third"]);
    await page.getByText("unsaved changes").waitFor();
    assert.doesNotMatch(await allText(page), /canary/);

    const text = await saved(page);
    assert.equal(text.split(',\n  "credential_pool_merges"')[0], DOCUMENT.replace('"spare"', '"second"').replace(/\n\}\n$/, ""));
    await page.getByText("saved", { exact: true }).waitFor();
    await openDocument(page, text);
    assert.deepEqual(await labels(page), ["work", "second", "third"]);
    assert.doesNotMatch(await allText(page), /canary/);
    isQuiet(seen);
  });

  test("every edit can be undone and redone, byte for byte", async (t) => {
    const { page, ...seen } = await openPage(t, { document: DOCUMENT });
    const steps = [
      ["Copy", () => page.getByRole("button", { name: "Duplicate work" }).click(), ["work", "work copy", "spare", "third"]],
      ["Remove", () => page.getByRole("button", { name: "Remove spare" }).click(), ["work", "work copy", "third"]],
      ["Move", () => page.getByRole("button", { name: /^Move third/ }).press("Home"), ["third", "work", "work copy"]],
      ["Strategy", () => page.getByLabel("Strategy").selectOption("random"), ["third", "work", "work copy"]],
      ["Policy", () => page.getByLabel("Policy", { exact: true }).selectOption("reference"), ["third", "work", "work copy"]],
    ];
    for (const [, act, after] of steps) {
      await act();
      await assert.doesNotReject(page.waitForFunction((wanted) => {
        const table = document.querySelector("pool-page").shadowRoot.querySelector("pool-table").shadowRoot;
        return [...table.querySelectorAll(".name strong")].map((each) => each.textContent).join() === wanted;
      }, after.join()));
    }
    assert.equal(await page.getByLabel("Strategy").inputValue(), "random");
    for (let step = 0; step < steps.length; step += 1) await undo(page);
    assert.deepEqual(await labels(page), ["work", "spare", "third"]);
    assert.equal(await page.getByText("unsaved changes").count(), 0, "undoing all edits restores the opened text");
    for (let step = 0; step < steps.length; step += 1) await page.getByRole("button", { name: "Redo" }).click();
    assert.deepEqual(await labels(page), ["third", "work", "work copy"]);
    assert.equal(await page.getByLabel("Strategy").inputValue(), "random");
    isQuiet(seen);
  });

  test("rows move by keyboard, and the handle keeps the focus", async (t) => {
    const { page } = await openPage(t, { document: DOCUMENT });
    await page.getByRole("button", { name: /^Move work/ }).focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.getByRole("button", { name: "Move work: place 3 of 3. Arrow keys move it." }).waitFor();
    assert.deepEqual(await labels(page), ["spare", "third", "work"]);
    await page.keyboard.press("ArrowUp");
    await page.getByRole("button", { name: "Move work: place 2 of 3. Arrow keys move it." }).waitFor();
    assert.equal(await page.locator("#announcer").textContent(), "work is at place 2");
  });

  test("rows without an id keep their drawn id when the whole core is loaded", async (t) => {
    const rows = ["first", "second", "third"].map((label) => ({ label, access_token: `${CANARY}-${label}` }));
    const document = { version: 1, credential_pool: { zai: rows, openrouter: rows.slice(0, 2) } };
    const { page, ...seen } = await openPage(t, { document: JSON.stringify(document) });
    const ids = () => page.locator("pool-table [data-id]").evaluateAll((rows) => rows.map((row) => row.dataset.id));
    const read = await ids();
    assert.equal(new Set(read).size, 3);
    await page.getByRole("button", { name: "Remove second" }).click();
    await page.locator("pool-table").getByText("second").waitFor({ state: "detached" });
    assert.deepEqual(await ids(), [read[0], read[2]]);
    const { zai } = JSON.parse(await saved(page)).credential_pool;
    assert.deepEqual(zai.map(({ id, label }) => [id, label]), [[read[0], "first"], [read[2], "third"]]);
    isQuiet(seen);
  });

  test("actions before the whole core is loaded are carried out in their order", async (t) => {
    const { page } = await openPage(t, { document: DOCUMENT });
    await page.evaluate(() => {
      const pressed = (name) => [...document.querySelector("pool-page").shadowRoot.querySelectorAll("button")].find((it) => it.textContent.trim() === name);
      const table = document.querySelector("pool-page").shadowRoot.querySelector("pool-table").shadowRoot;
      table.querySelector('[aria-label="Duplicate work"]').click();
      table.querySelector('[aria-label="Remove third"]').click();
      pressed("Undo").click();
      pressed("Save…").click();
    });
    await page.getByRole("button", { name: /^Download auth.json/ }).waitFor();
    assert.deepEqual(await labels(page), ["work", "work copy", "spare", "third"]);
  });

  test("rows move by drag and drop", async (t) => {
    const { page } = await openPage(t, { document: DOCUMENT });
    await drag(page, page.locator("pool-table .grip").nth(0), page.locator("pool-table [data-id]").nth(2));
    await page.getByRole("button", { name: /^Move work: place 3/ }).waitFor();
    assert.deepEqual(await labels(page), ["spare", "third", "work"]);
  });

  test("a button shows one secret at a time, and another copies it without showing it", async (t) => {
    const { page } = await openPage(t, { document: DOCUMENT, permissions: ["clipboard-read", "clipboard-write"] });
    await page.getByRole("button", { name: "Show the secret of work" }).click();
    await page.getByText(`${CANARY}-aaaaaa`).waitFor();
    await page.getByRole("button", { name: "Show the secret of spare" }).click();
    await page.getByText(`${CANARY}-bbbbbb`).waitFor();
    assert.doesNotMatch(await allText(page), /-aaaaaa/);
    await page.getByRole("button", { name: "Hide the secret of spare" }).click();
    await page.getByRole("button", { name: "Copy the secret of third" }).click();
    await page.waitForFunction(() => document.querySelector("#announcer").textContent.includes("was copied"));
    assert.doesNotMatch(await allText(page), /canary/);
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${CANARY}-cccccc`);
  });

  test("the form shows faults while a person types, and keeps no secret", async (t) => {
    const { page, ...seen } = await openPage(t, { document: DOCUMENT });
    await page.getByRole("button", { name: "Add a credential…" }).click();
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("name the pool").waitFor();
    await page.getByRole("combobox", { name: "Pool" }).fill("custom:workshop");
    await page.getByLabel("Key", { exact: true }).fill(`${CANARY}-new`);
    await page.getByText("a custom endpoint needs its base URL").waitFor();
    await page.getByLabel("Base URL").fill("nonsense");
    await page.getByText("this is not a URL").waitFor();
    await page.getByLabel("Base URL").fill("https://example.com/v1");
    await page.getByText("Share of the requests").click();
    await page.getByLabel("Weight").fill("0");
    await page.getByText("`weight` must be a whole number from 1").waitFor();
    await page.getByLabel("Weight").fill("3");
    await page.getByLabel("Label").fill("mine");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("heading", { name: "custom:workshop" }).waitFor();
    assert.deepEqual(await labels(page), ["mine"]);
    assert.doesNotMatch(await allText(page), /canary/);
    const pool = JSON.parse(await saved(page)).credential_pool["custom:workshop"];
    assert.deepEqual([pool[0].access_token, pool[0].base_url, pool[0].weight], [`${CANARY}-new`, "https://example.com/v1", 3]);
    isQuiet(seen);
  });

  test("cooldowns count down, and end by themselves or by a reset", async (t) => {
    const { page } = await openPage(t);
    // From here on the test controls the clock of the page.
    await page.clock.install();
    await page.clock.pauseAt(Date.now() + 3_600_000);
    const now = await page.evaluate(() => Math.floor(Date.now() / 1000));
    const coolingDown = (seconds) => ({ last_status: "exhausted", last_status_at: now, last_error_code: 429, last_error_reset_at: now + seconds });
    const rows = [row("aaaaaa", "short", 0, coolingDown(8)), row("bbbbbb", "long", 1, coolingDown(4000))];
    await openDocument(page, JSON.stringify({ credential_pool: { openrouter: rows } }));
    await page.getByText("2 cooling down").waitFor();
    await page.getByText(/^cooling down, [78] s$/).waitFor();
    await page.clock.runFor(3_000);
    await page.getByText(/^cooling down, [45] s$/).waitFor();
    await page.clock.runFor(5_000);
    await page.getByText("1 available").waitFor();
    await page.getByText(/^cooling down, 67 min$/).waitFor();
    await page.getByRole("button", { name: "Reset long" }).click();
    await page.getByText("2 available").waitFor();
  });

  test("a thousand credentials: few rows are rendered, and the last place is reached", async (t) => {
    const rows = Array.from({ length: 1000 }, (_, i) => row(`id${i}`, `key ${i}`, i));
    const { page } = await openPage(t, { document: JSON.stringify({ credential_pool: { openrouter: rows } }) });
    assert.ok((await labels(page)).length < 60);
    const took = await page.evaluate(async () => {
      const table = document.querySelector("pool-page").shadowRoot.querySelector("pool-table");
      const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      const times = [];
      for (let step = 0; step < 20; step += 1) {
        const began = performance.now();
        const handle = [...table.shadowRoot.querySelectorAll(".handle")][1];
        handle.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
        await painted();
        times.push(performance.now() - began);
      }
      return times.sort((a, b) => a - b);
    });
    t.diagnostic(`1,000 credentials: a move until it is painted takes ${took[10].toFixed(0)} ms, at most ${took[19].toFixed(0)} ms`);
    await page.getByRole("button", { name: /^Move key 0:/ }).press("End");
    await page.getByRole("button", { name: "Move key 0: place 1000 of 1000. Arrow keys move it." }).waitFor();
  });

  test("unsaved changes are guarded", async (t) => {
    const { page } = await openPage(t, { document: DOCUMENT });
    await page.getByRole("button", { name: "Remove work" }).click();
    await page.getByText("unsaved changes").waitFor();
    const asked = page.waitForEvent("dialog");
    // The reload never ends: the answer to the dialog cancels it.
    void page.reload({ timeout: 0 }).catch(() => {});
    const dialog = await asked;
    assert.equal(dialog.type(), "beforeunload");
    await dialog.dismiss();
    assert.deepEqual(await labels(page), ["spare", "third"]);
  });
});

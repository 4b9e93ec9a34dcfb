// A document that a person edits while other programs write to it: nothing is lost, and no older token comes back.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, test } from "node:test";

import { until } from "../js/until.mjs";
import { openServed } from "./edit-command.mjs";

const row = (id, tokens, more = {}) => ({
  id, label: `label ${id}`, auth_type: "oauth", source: "manual:device_code",
  access_token: `canary-at${tokens}`, refresh_token: `canary-rt${tokens}`, ...more,
});
const document = (...rows) => `${JSON.stringify({ credential_pool: { anthropic: rows } }, null, 2)}\n`;
const rowsOf = (text) => JSON.parse(text).credential_pool.anthropic;
const summary = (text) => rowsOf(text).map(({ label, refresh_token }) => `${label}: ${refresh_token.slice("canary-".length)}`).sort();

const button = (page, name) => page.getByRole("button", { name, exact: true });
const open = (page) => page.locator("pool-page").evaluate(({ editing }) => editing.text);
const history = (page) => page.locator("pool-page").evaluate(({ editing }) => [editing.undoable, editing.redoable]);

/** Writes as another program, and waits until the page has the text. */
async function writeElsewhere({ page, path }, text, mark) {
  await writeFile(path, text);
  await until(async () => (await open(page)).includes(mark));
}

async function save(page) {
  await button(page, "Save…").click();
  await page.getByRole("dialog", { name: "Changes to save" }).getByRole("button", { name: /^Save to/ }).click();
}

const saved = (page) => page.getByText("saved", { exact: true }).waitFor();

async function typeInJson(page, before, after) {
  await page.getByRole("tab", { name: "JSON" }).click();
  await page.locator("raw-view .mask").first().waitFor();
  await page.locator("raw-view").evaluate(({ editing }, [before, after]) => {
    editing.replace(editing.text.replace(before, after), "typing");
  }, [before, after]);
}

describe("other programs write to the open document", { concurrency: 2 }, () => {
  test("an edit goes on top of renewed tokens, and undo takes back the edit alone", async (t) => {
    const served = await openServed(t, document(row("a", 1), row("b", 1)));
    const { page, read, consoleErrors } = served;
    await button(page, "Duplicate label b").click();
    await page.getByText("unsaved changes", { exact: true }).waitFor();
    await writeElsewhere(served, document(row("a", 2), row("b", 1)), "canary-rt2");
    assert.deepEqual(summary(await open(page)), ["label a: rt2", "label b copy: rt1", "label b: rt1"]);
    assert.deepEqual(await history(page), ["duplicate of label b", null]);

    await button(page, "Undo").click();
    await saved(page);
    assert.equal(await open(page), await read(), "what others wrote is no step of the person");
    assert.deepEqual(await history(page), [null, "duplicate of label b"]);
    await button(page, "Redo").click();
    await save(page);
    await saved(page);
    assert.deepEqual(summary(await read()), ["label a: rt2", "label b copy: rt1", "label b: rt1"]);
    assert.deepEqual(consoleErrors, []);
  });

  test("what others write to an unchanged document is no step", async (t) => {
    const served = await openServed(t, document(row("a", 1)));
    const { page, read } = served;
    await writeElsewhere(served, document(row("a", 2)), "canary-rt2");
    assert.deepEqual(await history(page), [null, null]);
    await page.keyboard.press("ControlOrMeta+z");
    assert.equal(await open(page), await read());
  });

  test("several edits keep their order and their ids on every new text", async (t) => {
    const served = await openServed(t, document(row("a", 1), row("b", 1)));
    const { page, read } = served;
    await button(page, "Duplicate label a").click();
    await button(page, "Duplicate label a copy").click();
    await button(page, "Remove label a copy").click();
    const ids = async () => rowsOf(await open(page)).filter(({ label }) => label.includes("copy")).map(({ id }) => id);
    await until(async () => (await ids()).length === 1);
    const mine = await ids();
    await writeElsewhere(served, document(row("z", 1), row("a", 2), row("b", 1)), "label z");
    assert.deepEqual(await ids(), mine);
    await save(page);
    await saved(page);
    assert.deepEqual(summary(await read()), ["label a copy copy: rt2", "label a: rt2", "label b: rt1", "label z: rt1"]);
  });

  test("an edit of a credential that is gone is told, and the others stay", async (t) => {
    const served = await openServed(t, document(row("a", 1), row("b", 1)));
    const { page } = served;
    await button(page, "Duplicate label b").click();
    await button(page, "Remove label a").click();
    await writeElsewhere(served, document(row("b", 2)), "canary-rt2");
    await page.getByRole("alert").getByText("Not done, since the document was changed elsewhere: remove of label a.").waitFor();
    assert.deepEqual(summary(await open(page)), ["label b copy: rt2", "label b: rt2"]);
  });

  test("an agent that writes all the time: every edit is saved without a question", async (t) => {
    const served = await openServed(t, document(row("a", 1), row("b", 1)));
    const { page, store, read } = served;
    let uses = 0;
    let isRunning = true;
    const agent = (async () => {
      while (isRunning) {
        const by = { at: Date.now() * 1000 + uses, host: `agent ${uses}` };
        await store.commit("anthropic", [{ by, type: "used", id: "a", count: 1 }]);
        uses += 1;
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
    })();
    for (const label of ["label a", "label b", "label a copy"]) {
      await button(page, `Duplicate ${label}`).click();
      await save(page);
      await until(async () => rowsOf(await read()).some((row) => row.label === `${label} copy`));
    }
    isRunning = false;
    await agent;
    const rows = rowsOf(await read());
    assert.deepEqual(rows.map(({ label }) => label).sort(), ["label a", "label a copy", "label a copy copy", "label b", "label b copy"]);
    assert.equal(rows.find(({ id }) => id === "a").request_count, uses);
    assert.equal(await page.getByRole("dialog").count(), 0);
  });

  test("typed JSON merges with changes of other lines", async (t) => {
    const served = await openServed(t, document(row("a", 1), row("b", 1)));
    const { page, read } = served;
    await typeInJson(page, "label b", "typed");
    await writeElsewhere(served, document(row("a", 2), row("b", 1)), "canary-rt2");
    await save(page);
    await saved(page);
    assert.deepEqual(summary(await read()), ["label a: rt2", "typed: rt1"]);
  });

  for (const [answer, expected] of [
    ["Overwrite theirs", ["typed: rt2"]],
    ["Take theirs", ["theirs: rt2"]],
  ]) {
    test(`typed JSON in lines that others changed is a question; ${answer}: renewed tokens stay, after an undo too`, async (t) => {
      const served = await openServed(t, document(row("a", 1)));
      const { page, path, read } = served;
      await typeInJson(page, "label a", "typed");
      await writeFile(path, document(row("a", 2, { label: "theirs" })));
      await page.getByRole("alert").getByText("where you changed it too").waitFor();
      assert.deepEqual(summary(await open(page)), ["typed: rt1"], "nothing is replaced before the answer");
      await save(page);
      await page.getByRole("dialog", { name: "The document was changed elsewhere" }).getByRole("button", { name: answer }).click();
      await saved(page);
      assert.deepEqual(summary(await read()), expected);
      while ((await history(page))[0] !== null) {
        await button(page, "Undo").click();
        assert.match(await open(page), /canary-rt2/);
      }
    });
  }

  test("a document that was emptied elsewhere keeps the person's text", async (t) => {
    const served = await openServed(t, document(row("a", 1)));
    const { page, path, read } = served;
    await button(page, "Duplicate label a").click();
    await writeFile(path, "");
    await page.getByRole("alert").getByText("changed elsewhere").waitFor();
    await save(page);
    await button(page, "Overwrite theirs").click();
    await saved(page);
    assert.deepEqual(summary(await read()), ["label a copy: rt1", "label a: rt1"]);
  });
});

test("changes of the served document stay with it after another document is opened", async (t) => {
  const { page, path, read } = await openServed(t, document(row("first", 1)));
  const second = document(row("second", 1));
  await page.evaluate((text) => {
    window.disk = text;
    const createWritable = async () => ({ write: async (written) => void (window.disk = written), close: async () => {} });
    const handle = { name: "second.json", createWritable, getFile: async () => new File([window.disk], "second.json") };
    window.showOpenFilePicker = async () => [handle];
  }, second);
  await button(page, "Open…").click();
  await page.locator("pool-table").getByText("label second").waitFor();
  const told = page.waitForResponse((response) => response.url().endsWith("/document"));
  const theirs = document(row("first", 2));
  await writeFile(path, theirs);
  await (await told).finished();
  await button(page, "Duplicate label second").click();
  await page.locator("pool-table").getByText("label second copy").waitFor();
  assert.deepEqual(summary(await open(page)), ["label second copy: rt1", "label second: rt1"]);
  await save(page);
  await saved(page);
  assert.deepEqual(summary(await page.evaluate(() => window.disk)), ["label second copy: rt1", "label second: rt1"]);
  assert.equal(await read(), theirs);
});

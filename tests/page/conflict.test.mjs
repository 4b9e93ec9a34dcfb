// Conflicts: the person and another program change the same line of a file. The person chooses the version to keep.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openPage } from "./browser.mjs";

const document = (label) => JSON.stringify({ credential_pool: { openrouter: [{ id: "a", label, access_token: "sk-canary" }] } });
const [OPENED, THEIRS] = [document("opened"), document("theirs")];

/** Installs a file picker that returns a fake file handle. `window.disk` holds the text of the file. */
async function fileOf(page, text) {
  await page.evaluate((disk) => {
    window.disk = disk;
    const createWritable = async () => ({ write: async (written) => void (window.disk = written), close: async () => {} });
    const handle = { name: "auth.json", createWritable, getFile: async () => new File([window.disk], "auth.json") };
    window.showOpenFilePicker = async () => [handle];
  }, text);
  return { read: () => page.evaluate(() => window.disk), write: (other) => page.evaluate((text) => void (window.disk = text), other) };
}

/** Changes the label in the text, as a person does in the JSON view. */
async function type(page, label) {
  await page.getByRole("button", { name: "Open a file…" }).click();
  await page.locator("pool-table").getByText("opened").waitFor();
  await page.locator("pool-page").evaluate(async ({ editing }, label) => {
    await editing.prepare();
    editing.replace(editing.text.replace("opened", label), "typing");
  }, label);
  await page.locator("pool-table").getByText(label).waitFor();
}

describe("a document that was changed elsewhere", { concurrency: 2 }, () => {
  const answers = {
    Cancel: { press: ["Enter"], isWritten: false, shows: "typed", isSaved: false },
    Escape: { press: ["Escape"], isWritten: false, shows: "typed", isSaved: false },
    "Take theirs": { press: ["Tab", "Enter"], isWritten: false, shows: "theirs", isSaved: true },
    "Overwrite theirs": { press: ["Tab", "Tab", "Enter"], isWritten: true, shows: "typed", isSaved: true },
  };
  for (const [answer, { press, isWritten, shows, isSaved }] of Object.entries(answers)) {
    test(`${answer}: ${isWritten ? "our version is written" : "nothing is written"}, and the focus returns`, async (t) => {
      const { page, consoleErrors } = await openPage(t);
      const disk = await fileOf(page, OPENED);
      await type(page, "typed");
      await disk.write(THEIRS);
      await page.getByRole("button", { name: "Save…" }).press("Enter");
      await page.getByRole("button", { name: "Save to auth.json" }).press("Enter");
      await page.getByRole("dialog", { name: "The document was changed elsewhere" }).waitFor();
      assert.equal(await disk.read(), THEIRS, "nothing is written before the answer");

      for (const key of press) await page.keyboard.press(key);
      await page.getByText(isSaved ? "saved" : "unsaved changes", { exact: true }).waitFor();
      await page.locator("pool-table").getByText(shows).waitFor();
      const isOurs = (await disk.read()).includes("typed");
      assert.equal(isOurs, isWritten);
      assert.equal(await page.getByRole("button", { name: "Save…" }).evaluate((button) => button.getRootNode().activeElement === button), true);
      assert.deepEqual(consoleErrors, []);
    });
  }

  test("an edit of the table and a change of another line need no answer", async (t) => {
    const { page } = await openPage(t);
    const disk = await fileOf(page, OPENED);
    await page.getByRole("button", { name: "Open a file…" }).click();
    await page.getByRole("button", { name: "Duplicate opened" }).click();
    await disk.write(THEIRS);
    await page.getByRole("button", { name: "Save…" }).click();
    await page.getByRole("button", { name: "Save to auth.json" }).click();
    await page.getByText("saved", { exact: true }).waitFor();
    const { credential_pool: { openrouter } } = JSON.parse(await disk.read());
    assert.deepEqual(openrouter.map(({ label }) => label), ["theirs", "theirs copy"]);
  });

  test("undo reverses taking theirs", async (t) => {
    const { page } = await openPage(t);
    const disk = await fileOf(page, OPENED);
    await type(page, "typed");
    await disk.write(THEIRS);
    await page.getByRole("button", { name: "Save…" }).click();
    await page.getByRole("button", { name: "Save to auth.json" }).click();
    await page.getByRole("button", { name: "Take theirs" }).click();
    await page.locator("pool-table").getByText("theirs").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.locator("pool-table").getByText("typed").waitFor();
    await page.getByText("unsaved changes").waitFor();
  });
});

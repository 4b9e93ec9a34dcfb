// The JSON view: secrets stay masked while the text around them is edited, and typed text is never lost.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allText, openPage } from "./browser.mjs";

const DOCUMENT = `{
  "credential_pool": {
    "openrouter": [
      {
        "id": "aaaaaa",
        "label": "work",
        "access_token": "first-canary"
      },
      {
        "id": "bbbbbb",
        "label": "home",
        "access_token": "second-canary"
      }
    ]
  }
}
`;

const text = (page) => page.locator("raw-view").evaluate((view) => view.editing.text);
const goTo = (page, pointer) => page.locator("raw-view").evaluate((view, to) => view.goTo(to), pointer);
const press = async (page, ...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};
const SECOND = "/credential_pool/openrouter/1/access_token";

async function openRaw(t, options = {}) {
  const { page, violations, consoleErrors } = await openPage(t, { document: DOCUMENT, ...options });
  // Keys that follow each other quickly are one undo step. With a stopped clock a loaded machine does not split the step.
  await page.evaluate(() => {
    const now = performance.now();
    performance.now = () => now;
  });
  await page.getByRole("tab", { name: "JSON" }).click();
  await page.locator("raw-view .mask").first().waitFor();
  t.after(() => assert.deepEqual({ violations, consoleErrors }, { violations: [], consoleErrors: [] }));
  return page;
}

/** Returns which secrets are readable anywhere in the page. */
async function shown(page) {
  const all = await allText(page);
  return ["first", "second"].filter((which) => all.includes(`${which}-canary`));
}

describe("the raw text", { concurrency: 2 }, () => {
  test("a click or Alt+Enter reveals one secret until the cursor leaves it", async (t) => {
    const page = await openRaw(t);
    assert.deepEqual(await shown(page), []);
    await page.locator("raw-view .mask").first().click();
    assert.deepEqual(await shown(page), ["first"]);
    await goTo(page, SECOND);
    assert.deepEqual(await shown(page), []);
    await press(page, "Alt+Enter");
    assert.deepEqual(await shown(page), ["second"]);
    await page.getByRole("button", { name: "Hide the secret" }).click();
    assert.deepEqual(await shown(page), []);
    await press(page, "Alt+Enter", "Shift+Tab");
    await page.getByRole("tab", { name: "JSON" }).focus();
    assert.deepEqual(await shown(page), [], "leaving the editor hides the secret");
  });

  const around = {
    "typed before it": { keys: ["ArrowRight", "x", "y"], becomes: ['"second-canary"', '"xysecond-canary"'] },
    "its name changed": {
      keys: ["ArrowLeft", "ArrowLeft", "ArrowLeft", "Backspace"],
      becomes: ['"access_token": "second', '"access_toke": "second'],
    },
    "its quote deleted": { keys: ["Delete"], becomes: ['"second', "second"] },
    "deleted with one key": { keys: ["ArrowRight", "ArrowRight", "Backspace"], becomes: ["second-canary", ""] },
  };
  for (const [what, { keys, becomes }] of Object.entries(around)) {
    test(`${what}: the secret stays masked, and undo restores the text`, async (t) => {
      const page = await openRaw(t);
      await goTo(page, SECOND);
      await press(page, ...keys);
      assert.equal(await text(page), DOCUMENT.replace(...becomes));
      assert.deepEqual(await shown(page), []);
      await press(page, "Control+z");
      assert.equal(await text(page), DOCUMENT);
      assert.deepEqual(await shown(page), []);
    });
  }

  test("a typed secret is readable until its string is complete", async (t) => {
    const page = await openRaw(t);
    await goTo(page, "/credential_pool/openrouter/0/id");
    await press(page, "Home");
    await page.keyboard.type('"refresh_token": "third-canary');
    assert.match(await allText(page), /third-canary/);
    await page.keyboard.type('", ');
    assert.doesNotMatch(await allText(page), /third-canary/);
    assert.match(await text(page), /"refresh_token": "third-canary", "id": "aaaaaa"/);
  });

  test("copied text contains masks, and text with masks cannot be pasted", async (t) => {
    const page = await openRaw(t, { permissions: ["clipboard-read", "clipboard-write"] });
    await goTo(page, "/credential_pool");
    await press(page, "Control+a", "Control+c");
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, DOCUMENT.replaceAll(/\w+-canary/g, "••••••••"));
    await press(page, "Control+v");
    assert.equal(await text(page), DOCUMENT);
    await page.getByText("it was not inserted").waitFor();
  });

  test("search neither matches nor starts with masked text", async (t) => {
    const page = await openRaw(t);
    await goTo(page, SECOND);
    await press(page, "Shift+End", "Control+f");
    const field = page.locator("raw-view .cm-search [name=search]");
    await field.and(page.locator(":focus")).waitFor();
    assert.deepEqual(await shown(page), []);
    // The editor empties its live region after 200 ms.
    const announced = await page.locator("raw-view .cm-announced").evaluateHandle((region) => {
      const announced = [];
      const record = () => announced.push(region.textContent.trim());
      new MutationObserver(record).observe(region, { childList: true, characterData: true, subtree: true });
      return announced;
    });
    await field.pressSequentially("label");
    await press(page, "Enter");
    await page.waitForFunction((announced) => announced.includes("Found on line 6"), announced);
    await field.selectText();
    await field.pressSequentially("canar");
    await press(page, "Enter");
    assert.deepEqual((await announced.jsonValue()).filter((text) => /line (7|12)/.test(text)), [], "where the secrets are");
    assert.deepEqual(await shown(page), []);
  });

  test("table and JSON view stay in sync, and each can undo edits of the other", async (t) => {
    const page = await openRaw(t);
    await goTo(page, "/credential_pool/openrouter/0/label");
    await press(page, "ArrowRight");
    await page.keyboard.type("my ");
    await page.getByRole("tab", { name: "Table" }).click();
    await page.locator("pool-table").getByText("my work").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.locator("pool-table").getByText("my work").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Redo" }).click();
    await page.getByRole("tab", { name: "JSON" }).click();
    await page.locator("raw-view").getByText('"my work"').waitFor();
    await page.locator("raw-view .cm-content").focus();
    await press(page, "Control+z");
    assert.equal(await text(page), DOCUMENT);
    await press(page, "Control+y");
    assert.match(await text(page), /"my work"/);
  });
});

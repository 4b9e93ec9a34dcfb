// A keyboard user with a screen reader: focus, accessibility tree and announcements of the page.

import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { openPage, PATIENCE_MS } from "./browser.mjs";

/** Expression for the focused element, through all shadow trees. */
export const DEEPEST = `(() => {
  let deepest = document.activeElement;
  while (deepest?.shadowRoot?.activeElement) deepest = deepest.shadowRoot.activeElement;
  return deepest;
})()`;

/** Opens the page for a keyboard user. */
export async function openForKeyboard(t, options) {
  const { page, browser, consoleErrors } = await openPage(t, { viewport: { width: 1400, height: 900 }, ...options });
  t.after(() => assert.deepEqual(consoleErrors, []));
  const reader = await browser.newCDPSession(page);

  /** Returns the focused element as the accessibility tree describes it; null if nothing has the focus. */
  async function focused() {
    const { result } = await reader.send("Runtime.evaluate", { expression: DEEPEST });
    if (/^body|^html/.test(result.description ?? "body")) return null;
    const { nodes } = await reader.send("Accessibility.getPartialAXTree", { objectId: result.objectId, fetchRelatives: false });
    const [{ role, name, description, properties = [] }] = nodes;
    const property = (wanted) => properties.find((each) => each.name === wanted)?.value.value;
    return { role: role.value, name: name?.value ?? "", description: description?.value ?? "", isInvalid: property("invalid") === "true" };
  }

  /** Waits until an element with this accessible name has the focus. Returns the element. */
  async function hasFocus(name, what = "") {
    let now;
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await setTimeout(20)) {
      now = await focused();
      if (now !== null && matches(now.name, name)) return now;
    }
    assert.fail(`${what} the focus is on ${now === null ? "nothing" : `${now.role} “${now.name}”`}, not on “${name}”`);
  }

  async function press(...keys) {
    for (const key of keys) await page.keyboard.press(key);
  }

  /** Presses Tab until an element with this accessible name has the focus. Returns the element. */
  async function tabTo(name, { back = false, most = 80 } = {}) {
    const passed = [];
    for (let stop = 0; stop < most; stop += 1) {
      await press(back ? "Shift+Tab" : "Tab");
      const now = await focused();
      assert.ok(now !== null, `there is no “${name}” after ${passed.join(", ")}`);
      if (matches(now.name, name)) return now;
      passed.push(now.name);
    }
    assert.fail(`there is no “${name}” within ${passed.join(", ")}`);
  }

  /** Waits until the live region contains the text. */
  async function announces(text) {
    await page.waitForFunction((wanted) => document.querySelector("#announcer").textContent.replace("\u00a0", "") === wanted, text)
      .catch(async () => assert.equal(await page.locator("#announcer").textContent(), text));
  }

  const rows = () => page.locator("pool-table .name strong").allTextContents();
  return { page, browser, focused, hasFocus, press, tabTo, announces, rows };
}

/** Opens the page for a keyboard user, with the sample. */
export async function openSample(t, options) {
  const person = await openForKeyboard(t, options);
  await person.tabTo("Try a sample");
  await person.press("Enter");
  await person.hasFocus("Table", "when a document is open");
  return person;
}

/** Opens the page for a keyboard user and pastes a document. */
export async function paste(t, document) {
  const person = await openForKeyboard(t, { permissions: ["clipboard-read", "clipboard-write"] });
  await person.page.evaluate((text) => navigator.clipboard.writeText(text), document);
  await person.press("Control+v");
  return person;
}

/** Returns whether the focused element, or an ancestor, shows a focus ring. */
export function showsFocus(page) {
  return page.waitForFunction(() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    for (; at instanceof Element; at = at.parentElement) {
      const { outlineStyle, outlineWidth } = getComputedStyle(at);
      if (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) return true;
    }
    return false;
  }).then(() => true, () => false);
}

const matches = (name, wanted) => (wanted instanceof RegExp ? wanted.test(name) : name === wanted);

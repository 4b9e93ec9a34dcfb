// A person at the keyboard, who does not see the page and hears what it says.

import assert from "node:assert/strict";
import { openPage } from "./browser.mjs";

/** What has the focus, through all shadows. */
export const DEEPEST = `(() => {
  let deepest = document.activeElement;
  while (deepest?.shadowRoot?.activeElement) deepest = deepest.shadowRoot.activeElement;
  return deepest;
})()`;

/** Opens the page for a person without a mouse. */
export async function sitDown(t, options) {
  const { page, browser, troubles } = await openPage(t, { viewport: { width: 1400, height: 900 }, ...options });
  t.after(() => assert.deepEqual(troubles, []));
  const reader = await browser.newCDPSession(page);

  /** What has the focus, as the accessibility tree of the browser has it; null if that is nothing. */
  async function focused() {
    const { result } = await reader.send("Runtime.evaluate", { expression: DEEPEST });
    if (/^body|^html/.test(result.description ?? "body")) return null;
    const { nodes } = await reader.send("Accessibility.getPartialAXTree", { objectId: result.objectId, fetchRelatives: false });
    const [{ role, name, description, properties = [] }] = nodes;
    const property = (wanted) => properties.find((each) => each.name === wanted)?.value.value;
    return { role: role.value, name: name?.value ?? "", description: description?.value ?? "", isInvalid: property("invalid") === "true" };
  }

  /** That something with such a name has the focus, once it has. */
  async function isAt(name, what = "") {
    let now;
    for (let look = 0; look < 100; look += 1) {
      now = await focused();
      if (now !== null && matches(now.name, name)) return now;
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
    assert.fail(`${what} the focus is on ${now === null ? "nothing" : `${now.role} “${now.name}”`}, not on “${name}”`);
  }

  async function press(...keys) {
    for (const key of keys) await page.keyboard.press(key);
  }

  /** Goes from stop to stop until something with such a name has the focus. */
  async function go(name, { back = false, most = 80 } = {}) {
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

  /** That the live region says something. */
  async function hears(text) {
    await page.waitForFunction((wanted) => document.querySelector("#announcer").textContent.replace("\u00a0", "") === wanted, text, { timeout: 3000 })
      .catch(async () => assert.equal(await page.locator("#announcer").textContent(), text));
  }

  const rows = () => page.locator("pool-table .name strong").allTextContents();
  return { page, browser, focused, isAt, press, go, hears, rows };
}

/** The same, with the sample opened. */
export async function openSample(t, options) {
  const person = await sitDown(t, options);
  await person.go("Try a sample");
  await person.press("Enter");
  await person.isAt("Table", "when a document is open");
  return person;
}

/** The same, with a document that was pasted. */
export async function paste(t, document) {
  const person = await sitDown(t, { permissions: ["clipboard-read", "clipboard-write"] });
  await person.page.evaluate((text) => navigator.clipboard.writeText(text), document);
  await person.press("Control+v");
  return person;
}

/** Whether what has the focus, or what it is in, has a ring, or soon has. */
export function showsFocus(page) {
  return page.waitForFunction(() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    for (; at instanceof Element; at = at.parentElement) {
      const { outlineStyle, outlineWidth } = getComputedStyle(at);
      if (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) return true;
    }
    return false;
  }, null, { timeout: 2000 }).then(() => true, () => false);
}

const matches = (name, wanted) => (wanted instanceof RegExp ? wanted.test(name) : name === wanted);

// Who asks for less motion sees none: nothing animates, and what plays is drawn once a second.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openPage } from "./browser.mjs";

/** All that animates or fades anywhere in the page, by what it is on. */
const moving = (page) => page.evaluate(() => {
  const roots = [document];
  for (const root of roots) {
    for (const { shadowRoot } of root.querySelectorAll("*")) if (shadowRoot) roots.push(shadowRoot);
  }
  const animations = new Set(roots.flatMap((root) => root.getAnimations()));
  return [...animations].map(({ effect, animationName, transitionProperty }) =>
    `${effect?.target?.className || effect?.target?.localName}: ${animationName ?? transitionProperty}`);
});

/** Goes through the page, and answers what moved after each step. */
async function walk(t, reducedMotion) {
  const { page } = await openPage(t, { reducedMotion, viewport: { width: 1400, height: 900 } });
  const press = (name) => page.getByRole("button", { name }).first().click();
  const opened = (name) => press(name).then(() => page.locator("dialog[open]").waitFor());
  const show = (name, there) => async () => {
    await page.getByRole("tab", { name }).click();
    await page.locator(there).first().waitFor();
  };
  const steps = {
    "a sample": () => press("Try a sample"),
    "a row that moves": () => page.getByRole("button", { name: /^Move work/ }).press("End"),
    "a row that goes": () => press("Remove spare"),
    "a secret": () => press("Show the secret of work"),
    "the form": () => opened("Add…"),
    "the form closed": () => page.keyboard.press("Escape"),
    "the save dialog": () => opened("Save…"),
    "the save dialog closed": () => page.keyboard.press("Escape"),
    "the editor": show("JSON", "raw-view .mask"),
    "the cursor in it": async () => {
      await page.locator("raw-view .cm-content").focus();
      await page.locator("raw-view .cm-focused .cm-cursor").first().waitFor({ state: "attached" });
    },
    "its search": () => press("Find"),
    "Try it": show("Try it", "try-timeline"),
    "Try it playing": () => press("Play"),
    "Try it folded open": () => page.getByText("CoolingDown as a table").click(),
  };
  const moved = {};
  for (const [name, act] of Object.entries(steps)) {
    await act();
    const found = await moving(page);
    if (found.length > 0) moved[name] = found;
  }
  return moved;
}

describe("motion", { concurrency: 2 }, () => {
  test("with less motion nothing animates, wherever one goes", async (t) => {
    assert.deepEqual(await walk(t, "reduce"), {});
  });

  test("without it the cursor of the editor blinks, which is all that animates", async (t) => {
    const moved = await walk(t, "no-preference");
    assert.ok("the cursor in it" in moved, JSON.stringify(moved));
    for (const found of Object.values(moved)) for (const each of found) assert.match(each, /cm-cursorLayer/);
  });

  for (const [reducedMotion, { least, most }] of Object.entries({ reduce: { least: 4, most: 6 }, "no-preference": { least: 30, most: 50 } })) {
    test(`Try it plays on, drawn ${reducedMotion === "reduce" ? "once a second" : "as it goes"}`, async (t) => {
      const { page } = await openPage(t, { reducedMotion, viewport: { width: 1400, height: 900 } });
      await page.getByRole("button", { name: "Try a sample" }).click();
      await page.getByRole("tab", { name: "Try it" }).click();
      const said = page.locator("try-view .unseen[role=status]");
      await said.filter({ hasText: /^At 0:10:00/ }).waitFor({ state: "attached" });
      // From now on time goes by only as the test says.
      await page.clock.install();
      await page.clock.pauseAt(Date.now() + 3_600_000);
      await page.locator("try-view").evaluate((view) => {
        const clock = view.renderRoot.querySelector(".clock");
        window.drawn = [];
        new MutationObserver(() => window.drawn.push(clock.textContent)).observe(clock, { characterData: true, subtree: true, childList: true });
      });
      await page.getByRole("button", { name: "Play" }).click();
      await page.clock.runFor(5_000);
      await page.getByRole("button", { name: "Pause" }).click();
      await page.clock.runFor(1_100);
      await said.filter({ hasText: /^Paused 0:1[45]:/ }).waitFor({ state: "attached" });
      const drawn = await page.evaluate(() => window.drawn);
      assert.ok(drawn.length >= least && drawn.length <= most, `${drawn.length}: ${drawn}`);
      assert.deepEqual(drawn, [...drawn].sort(), "time only goes forward");
    });
  }
});

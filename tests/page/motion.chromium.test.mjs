// prefers-reduced-motion: nothing animates, and a playing simulation is drawn once a second.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openPage } from "./browser.mjs";

/** Returns all running animations and transitions of the page, each with its element. */
const moving = (page) => page.evaluate(() => {
  const roots = [document];
  for (const root of roots) {
    for (const { shadowRoot } of root.querySelectorAll("*")) if (shadowRoot) roots.push(shadowRoot);
  }
  const animations = new Set(roots.flatMap((root) => root.getAnimations()));
  return [...animations].map(({ effect, animationName, transitionProperty }) =>
    `${effect?.target?.className || effect?.target?.localName}: ${animationName ?? transitionProperty}`);
});

/** Walks through the page. Returns the animations after each step. */
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
    "a moved row": () => page.getByRole("button", { name: /^Move work/ }).press("End"),
    "a removed row": () => press("Remove spare"),
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
    "Try it folded open": () => page.getByText("Cooldowns as a table").click(),
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
  test("with reduced motion nothing animates in any view", async (t) => {
    assert.deepEqual(await walk(t, "reduce"), {});
  });

  test("without reduced motion only the cursor of the editor animates", async (t) => {
    const moved = await walk(t, "no-preference");
    assert.ok("the cursor in it" in moved, JSON.stringify(moved));
    for (const found of Object.values(moved)) for (const each of found) assert.match(each, /cm-cursorLayer/);
  });

  for (const [reducedMotion, { least, most }] of Object.entries({ reduce: { least: 4, most: 6 }, "no-preference": { least: 30, most: 50 } })) {
    test(`a playing simulation is drawn ${reducedMotion === "reduce" ? "once a second" : "continuously"} (${reducedMotion})`, async (t) => {
      const { page } = await openPage(t, { reducedMotion, viewport: { width: 1400, height: 900 } });
      await page.getByRole("button", { name: "Try a sample" }).click();
      await page.getByRole("tab", { name: "Try it" }).click();
      const said = page.locator("try-view .visually-hidden[role=status]");
      await said.filter({ hasText: /^At 0:10:00/ }).waitFor({ state: "attached" });
      // From here on the test controls the clock of the page.
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

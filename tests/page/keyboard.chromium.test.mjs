// The page without a mouse: everything by keys, each stop has a name, and the focus is never lost.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEEPEST, openSample, paste, showsFocus, sitDown } from "./person.mjs";

const key = (id, label, more = {}) => ({ id, label, access_token: `sk-canary-${id}`, ...more });
const pool = (...rows) => JSON.stringify({ credential_pool: { openrouter: rows } }, null, 2);

describe("the keyboard alone", { concurrency: 2 }, () => {
  test("every stop of every view has a name, shows that it has the focus, and leads on", async (t) => {
    const { page, focused, press, go } = await openSample(t);
    for (const view of ["Table", "JSON", "Try it"]) {
      if (view !== "Table") await press("ArrowRight");
      await page.locator({ Table: "pool-table", JSON: "raw-view .mask", "Try it": "try-view try-timeline" }[view]).first().waitFor();
      const stops = [];
      for (let now = await focused(); now !== null && stops.length < 200; now = await focused()) {
        stops.push(now.name);
        assert.notEqual(now.name, "", `${view}: a ${now.role} after ${stops.at(-2)}`);
        assert.ok(await showsFocus(page), `${view}: ${now.role} “${now.name}” does not show that it has the focus`);
        await press("Tab");
      }
      assert.ok(stops.length > 3 && stops.length < 200, `${view} has ${stops.length} stops`);
      await go(view);
    }
  });

  test("a document that is pasted is said, and the focus is on its view", async (t) => {
    const { isAt, hears } = await paste(t, pool(key("a", "work")));
    await isAt("Table");
    await hears("The document is open");
  });

  test("a pool is chosen in the list, and rows are gone through by arrows", async (t) => {
    const { page, isAt, press, go } = await openSample(t);
    await go(/^anthropic/);
    await press("Enter");
    await page.getByRole("heading", { name: "anthropic" }).waitFor();
    await isAt(/^anthropic/);
    await go(/^openrouter/, { back: true });
    await press("Space");
    await page.getByRole("heading", { name: "openrouter" }).waitFor();
    await go("Edit work");
    for (const [pressed, reached] of [
      ["ArrowDown", "Edit spare"], ["ArrowDown", "Edit old project"], ["ArrowDown", "Edit old project"], ["Home", "Edit work"],
      ["PageDown", "Edit old project"], ["ArrowUp", "Edit spare"], ["End", "Edit old project"], ["PageUp", "Edit work"],
    ]) {
      await press(pressed);
      await isAt(reached, `after ${pressed}`);
    }
    await go("Show the secret of spare");
    await press("End");
    await isAt("Show the secret of old project");
  });

  test("a thousand rows: the last is one key away, and the focus stays in rows that are scrolled away", async (t) => {
    const { page, focused, isAt, press, go } = await paste(t, pool(...Array.from({ length: 1000 }, (_, i) => key(`id${i}`, `key ${i}`))));
    await isAt("Table");
    await go("Duplicate key 0");
    await press("End");
    await isAt("Duplicate key 999");
    await press("Home");
    await isAt("Duplicate key 0");
    await press("PageDown");
    const { name } = await isAt(/^Duplicate key (?!0$)/);
    await press("PageUp");
    await isAt("Duplicate key 0", `after ${name}`);
    await page.locator("pool-table .viewport").hover();
    await page.mouse.wheel(0, 20_000);
    await page.locator('pool-table [data-id="id0"]').waitFor({ state: "detached" });
    assert.match((await focused())?.name ?? "nothing", /^Move key \d+/);
  });

  test("rows are ordered by keys, each move is said, and undone by keys", async (t) => {
    const { isAt, press, go, hears, rows } = await openSample(t);
    await go(/^Move work: place 1 of 3/);
    await press("ArrowDown");
    await hears("work is at place 2");
    await isAt("Move work: place 2 of 3. Arrow keys move it.");
    await press("End");
    await hears("work is at place 3");
    await isAt("Move work: place 3 of 3. Arrow keys move it.");
    await press("Control+z");
    await hears("Undone: move of work");
    await isAt("Move work: place 2 of 3. Arrow keys move it.");
    await press("Control+y");
    await hears("Done again: move of work");
    await isAt("Move work: place 3 of 3. Arrow keys move it.");
    assert.deepEqual(await rows(), ["spare", "old project", "work"]);
    await press("Control+Shift+z");
    await hears("There is nothing to be done again");
    await press("Control+z", "Control+z");
    assert.deepEqual(await rows(), ["work", "spare", "old project"]);
    await press("Control+z");
    await hears("There is nothing to be undone");
    await isAt("Move work: place 1 of 3. Arrow keys move it.");
  });

  test("an undo that takes away the row with the focus leaves it in the table", async (t) => {
    const { isAt, press, go, hears, rows } = await openSample(t);
    await go("Duplicate work");
    await press("Enter");
    await hears("work was copied");
    await isAt("Duplicate work");
    await go("Edit work copy");
    await press("Control+z");
    await hears("Undone: duplicate of work");
    await isAt("Move spare: place 2 of 3. Arrow keys move it.");
    assert.deepEqual(await rows(), ["work", "spare", "old project"]);
  });

  test("what is removed leaves the focus on the row that follows, then on the one before, then on the table", async (t) => {
    const { page, isAt, press, go, hears } = await openSample(t);
    const table = page.locator("pool-table");
    await go("Remove spare");
    await press("Enter");
    await hears("spare was removed; Undo brings it back");
    await isAt("Move old project: place 2 of 2. Arrow keys move it.");
    await go("Remove old project");
    await press("Space");
    await isAt("Move work: place 1 of 1. Arrow keys move it.");
    await go("Remove work");
    await press("Enter");
    await hears("work was removed; Undo brings it back");
    await table.getByText("work").waitFor({ state: "detached" });
    await isAt("No credentials");
    await press("Control+z");
    await hears("Undone: remove of work");
    await table.getByText("work").waitFor();
    await go("Edit work");
  });

  test("a rest that is ended takes its button along, and the row keeps the focus", async (t) => {
    const { isAt, press, go, hears } = await openSample(t);
    await go("Reset spare");
    await press("Enter");
    await hears("spare was reset");
    await isAt("Move spare: place 2 of 3. Arrow keys move it.");
  });

  test("a rest that ends by itself takes its button along, and the row keeps the focus", async (t) => {
    const now = Math.floor(Date.now() / 1000);
    const rests = { last_status: "exhausted", last_status_at: now, last_error_code: 429, last_error_reset_at: now + 8 };
    const { isAt, go, page } = await paste(t, pool(key("a", "work", rests), key("b", "spare")));
    await isAt("Table");
    await go("Reset work");
    await page.getByText("2 available").waitFor();
    await isAt("Move work: place 1 of 2. Arrow keys move it.");
  });

  test("a secret is shown, hidden and copied", async (t) => {
    const { page, isAt, press, go, hears } = await paste(t, pool(key("a", "work"), key("b", "spare")));
    await isAt("Table");
    await go("Show the secret of work");
    await press("Enter");
    await hears("The secret of work is shown for half a minute");
    await page.getByText("sk-canary-a").waitFor();
    await isAt("Hide the secret of work");
    await press("Enter");
    await page.getByText("sk-canary-a").waitFor({ state: "detached" });
    await isAt("Show the secret of work");
    await go("Copy the secret of work");
    await press("Enter");
    await hears("The secret of work was copied");
    await isAt("Copy the secret of work");
  });

  test("a credential is added by the form, which says what is wrong at its place", async (t) => {
    const { page, focused, isAt, press, go, hears, rows } = await openSample(t);
    await go("Add…");
    await press("Enter");
    await isAt("Label");
    await page.keyboard.type("mine");
    await press("Enter");
    const missing = await isAt("Key", "after a submit without one");
    assert.deepEqual([missing.isInvalid, missing.description], [true, "a credential needs its key or token"]);
    await page.keyboard.type("sk-canary-new");
    await page.waitForFunction(() => true);
    assert.equal((await focused()).isInvalid, false);
    await go("Base URL");
    await page.keyboard.type("nonsense");
    const wrong = await isAt("Base URL");
    assert.deepEqual([wrong.isInvalid, wrong.description], [true, "this is no URL: https://…/v1"]);
    const fault = page.locator("#base_url-help");
    assert.equal(await fault.getAttribute("aria-live"), "polite", "it is said while one types");
    await press("Control+a", "Delete");
    assert.equal((await isAt("Base URL")).isInvalid, false);
    await go(/Its share of the requests/);
    await press("Enter");
    await go("Weight");
    await page.keyboard.type("0");
    assert.equal((await isAt("Weight")).isInvalid, true);
    await go(/Its share of the requests/, { back: true });
    await press("Enter");
    await go("Add");
    await press("Enter");
    await isAt("Weight", "which was folded away");
    await press("Control+a");
    await page.keyboard.type("3");
    await press("Enter");
    await hears("mine was added");
    await isAt("Add…", "when the form is closed");
    assert.deepEqual(await rows(), ["work", "spare", "old project", "mine"]);
  });

  test("the form holds the focus, and Escape or Cancel gives it back", async (t) => {
    const { page, focused, isAt, press, go, rows } = await openSample(t);
    await go("Edit spare");
    await press("Enter");
    await isAt("Label");
    for (let stop = 0; stop < 20; stop += 1) {
      const isInside = await page.evaluate(`${DEEPEST}?.closest("dialog") != null || document.activeElement === document.body`);
      assert.ok(isInside, JSON.stringify(await focused()));
      await press("Tab");
    }
    await press("Escape");
    await isAt("Edit spare");
    await press("Enter");
    await isAt("Label");
    await press("Control+a");
    await page.keyboard.type("second");
    await go("Cancel");
    await press("Enter");
    await isAt("Edit spare");
    assert.deepEqual(await rows(), ["work", "spare", "old project"]);
    await press("Enter");
    await isAt("Label");
    await press("Control+a");
    await page.keyboard.type("second");
    await press("Enter");
    await isAt("Edit second");
  });

  test("strategy and policy are set, and a fault in the differences is tied to them", async (t) => {
    const { page, isAt, press, go } = await openSample(t);
    await go("Strategy");
    await page.keyboard.type("random");
    assert.match((await isAt("Strategy")).description, /^By chance/);
    await go("Policy");
    await press("ArrowDown");
    assert.match((await isAt("Policy")).description, /^An hour after/);
    await go(/What differs from it/);
    await press("Enter");
    await go("Differences, as JSON");
    await page.keyboard.type('{"patience_ms": "long"}');
    const wrong = await isAt("Differences, as JSON");
    assert.equal(wrong.isInvalid, true);
    assert.match(wrong.description, /patience_ms/);
    assert.equal(await page.locator("#differences-help").getAttribute("aria-live"), "polite");
    await press("Control+a");
    await page.keyboard.type('{"patience_ms": 5000}');
    assert.equal((await isAt("Differences, as JSON")).isInvalid, false);
    await press("Control+s");
    await isAt(/^Save as/);
    await page.getByRole("region", { name: "Changed lines" }).getByText('"patience_ms": 5000').waitFor();
    await press("Escape");
    await isAt("Differences, as JSON");
    await go("Strategy", { back: true });
    await press("Control+z", "Control+z", "Control+z");
    assert.equal(await page.getByLabel("Strategy").inputValue(), "round_robin");
    await isAt("Strategy");
  });

  test("the JSON: Tab leaves the editor on both sides, and how is said", async (t) => {
    const { page, isAt, press, go } = await openSample(t);
    await press("ArrowRight");
    await isAt("JSON");
    await page.locator("raw-view .mask").first().waitFor();
    const editor = await go("The document as JSON");
    assert.match(editor.description, /^Tab leaves the editor\./);
    await press("Tab");
    await press("Shift+Tab");
    await isAt("The document as JSON");
    await press("Shift+Tab");
    await isAt("Find");
    await press("Enter");
    await isAt(/^Find/);
    await page.keyboard.type("spare");
    await press("Escape");
    await isAt("The document as JSON", "when the search is closed");
    await press("Control+Home", "ArrowRight", "Enter");
    await press("Control+z");
    await isAt("The document as JSON", "after an undo");
    await page.locator("raw-view .says").getByText("typing: undone.").waitFor();
  });

  test("a row is shown in the JSON, and the editor has the focus there", async (t) => {
    const { page, isAt, press, go } = await openSample(t);
    await go("Show spare in the JSON");
    await press("Enter");
    await isAt("The document as JSON");
    await page.waitForFunction(() => {
      const raw = document.querySelector("pool-page").shadowRoot.querySelector("raw-view").shadowRoot;
      return raw.querySelector(".cm-activeLine")?.nextElementSibling?.textContent.includes("b81d07");
    });
  });

  test("problems are gone to and repaired one by one, and one that an undo or redo takes away passes the focus on", async (t) => {
    const { page, isAt, press, go } = await paste(t, pool(key("a", "work", { priority: "3" }), key("b", "spare", { last_status: "odd" })));
    const problems = (count) => page.waitForFunction((wanted) => {
      const raw = document.querySelector("pool-page").shadowRoot.querySelector("raw-view").shadowRoot;
      return raw.querySelector("problem-list").shadowRoot.querySelectorAll("li").length === wanted;
    }, count);
    await isAt("Table");
    await press("ArrowRight");
    await isAt(/^JSON/);
    await page.locator("problem-list li").nth(1).waitFor();
    const { description } = await go("Go there");
    assert.match(description, /Line 8: ?`priority`/, "which problem is meant");
    await press("Enter");
    await isAt("The document as JSON");
    await go("Remove the quotes");
    await press("Enter");
    await isAt("The document as JSON");
    await problems(1);
    await go("Clear the status");
    await press("Enter");
    await problems(0);
    await page.getByRole("heading", { name: "No problems" }).waitFor();

    await press("Control+z", "Control+z");
    await problems(2);
    await go("Clear the status");
    await press("Control+y");
    await problems(1);
    await isAt("Clear the status", "in the one item that is left");
    await press("Control+y");
    await problems(0);
    await isAt("No problems");
  });

  test("repairs that are looked for have the focus", async (t) => {
    const rows = Array.from({ length: 22 }, (_, i) => key(`id${i}`, `key ${i}`, { priority: "x" }));
    const { page, isAt, press, go } = await paste(t, pool(...rows));
    await isAt("Table");
    await press("ArrowRight");
    await page.locator("problem-list li").nth(21).waitFor();
    await go("Look for repairs");
    await press("Enter");
    await isAt("Delete this field");
    assert.equal(await page.locator("#announcer").textContent(), "Delete this field");
  });

  test("a text that is no document: from the table to its repair and back", async (t) => {
    const { page, isAt, press, go } = await paste(t, "this is no JSON {{{");
    await isAt(/^JSON/);
    await press("ArrowLeft");
    await isAt("Table");
    await go("Repair it in the JSON view");
    await press("Enter");
    await isAt(/^JSON/);
    await page.locator("problem-list li").first().waitFor();
    await go("The document as JSON");
    await press("Control+a", "Delete");
    await page.keyboard.type(pool(key("a", "work")).replaceAll(/\s+/g, ""));
    await go(/^JSON/, { back: true });
    await press("ArrowLeft");
    await page.locator("pool-table").getByText("work").waitFor();
    await isAt("Table");
  });

  test("a trouble is put away, and the focus goes on", async (t) => {
    const { page, isAt, press, go } = await openSample(t);
    await page.evaluate(() => {
      window.showOpenFilePicker = async () => { throw new Error("the disk is on fire"); };
    });
    await go("Open…", { back: true });
    await press("Enter");
    await page.getByRole("alert").getByText("The disk is on fire.").waitFor();
    await isAt("Open…");
    await go("Close");
    await press("Enter");
    await isAt("Table");
  });

  test("Try it: played, paused, stepped, compared and used", async (t) => {
    const { page, isAt, press, go } = await openSample(t);
    await press("ArrowLeft");
    await isAt("Try it");
    const said = page.locator("try-view > [role=status], try-view .unseen[role=status]").first();
    const heard = (text) => said.filter({ hasText: text }).waitFor({ state: "attached" });
    await heard(/^At 0:10:00\. Side A: \d+ served/);
    await go(/Details of the policy/);
    await press("Enter");
    const limit = await go("Requests under way per credential");
    assert.equal(limit.role, "spinbutton");
    await press("Control+a");
    await page.keyboard.type("2");
    await go("Back to adaptive alone");
    await press("Enter");
    await isAt("Back to adaptive alone", "though it has nothing to do now");
    await go("Compare with a side B");
    await press("Enter");
    await isAt("Without side B");
    await heard(/Side B: \d+ served/);
    await press("Enter");
    await isAt("Compare with a side B");
    await go("What happens to spare");
    await page.keyboard.type("Is revoked");
    await isAt("What happens to spare");
    await go("spare: from minute");
    await page.keyboard.type("3");
    await go("Play");
    await press("Enter");
    await isAt("Pause");
    await heard("Playing.");
    await press("Space");
    await isAt("Play");
    await heard(/^Paused 0:1\d:\d\d\. Side A/);
    for (const step of ["Next request", "Next event", "+1 min", "+10 min", "+1 h", "Restart"]) {
      await go(step);
      const before = await said.textContent();
      await press("Enter");
      await page.waitForFunction((text) => {
        const view = document.querySelector("pool-page").shadowRoot.querySelector("try-view").shadowRoot;
        return view.querySelector(".unseen[role=status]").textContent !== text;
      }, before);
      await heard(/^At /);
      await isAt(step);
    }
    await go("CoolingDown as a table");
    await press("Enter");
    await go(/^Share of the load/);
    await go("As a table");
    await go(/^Explanation, side A/);
    await go(/^Strategy/, { back: true });
    await page.keyboard.type("random");
    await go(/^Use this in the document/, { back: true });
    await press("Enter");
    await isAt(/^Use this in the document/);
    assert.equal(await page.locator("#announcer").textContent(), "Used for openrouter; it is not saved yet");
  });

  test("saving: the dialog has the focus, holds it, and gives it back to where it was asked for", async (t) => {
    const { page, focused, isAt, press, go, hears } = await openSample(t);
    await go("Remove work");
    await press("Enter");
    await go("Save…", { back: true });
    await press("Enter");
    await isAt(/^Save as/);
    await go("Changed lines", { back: true });
    assert.equal((await focused()).role, "region");
    await go("Cancel");
    await press("Enter");
    await isAt("Save…");
    await press("Enter");
    await isAt(/^Save as/);
    await press("Escape");
    await isAt("Save…");
    await go("Strategy");
    await press("Control+s");
    await isAt(/^Save as/);
    const download = page.waitForEvent("download");
    await press("Enter");
    await download;
    await hears("auth.json is saved");
    await isAt("Strategy");
  });
});

describe("what is said", () => {
  test("the region is there before anything is said, and says the same thing twice", async (t) => {
    const { page, press, go, hears } = await sitDown(t);
    assert.equal(await page.locator("#announcer[aria-live=polite]").textContent(), "");
    await go("New document");
    await press("Enter");
    await hears("The document is open");
    await press("Control+z");
    await hears("There is nothing to be undone");
    const before = await page.locator("#announcer").textContent();
    await press("Control+z");
    await page.waitForFunction((text) => document.querySelector("#announcer").textContent !== text, before);
    await hears("There is nothing to be undone");
  });
});

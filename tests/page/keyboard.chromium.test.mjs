// The page by keyboard: every control is reachable and named, and the focus is never lost.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEEPEST, openSample, paste, showsFocus, openForKeyboard } from "./keyboard-user.mjs";

const key = (id, label, more = {}) => ({ id, label, access_token: `sk-canary-${id}`, ...more });
const pool = (...rows) => JSON.stringify({ credential_pool: { openrouter: rows } }, null, 2);

describe("the keyboard alone", { concurrency: 2 }, () => {
  test("every tab stop of every view has a name and a focus ring, and leads on", async (t) => {
    const { page, focused, press, tabTo } = await openSample(t);
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
      await tabTo(view);
    }
  });

  test("opening a pasted document is announced, and the focus is on the tab of its view", async (t) => {
    const { hasFocus, announces } = await paste(t, pool(key("a", "work")));
    await hasFocus("Table");
    await announces("The document is open");
  });

  test("pools are chosen in the list, and arrow keys go through the rows", async (t) => {
    const { page, hasFocus, press, tabTo } = await openSample(t);
    await tabTo(/^anthropic/);
    await press("Enter");
    await page.getByRole("heading", { name: "anthropic" }).waitFor();
    await hasFocus(/^anthropic/);
    await tabTo(/^openrouter/, { back: true });
    await press("Space");
    await page.getByRole("heading", { name: "openrouter" }).waitFor();
    await tabTo("Edit work");
    for (const [pressed, reached] of [
      ["ArrowDown", "Edit spare"], ["ArrowDown", "Edit old project"], ["ArrowDown", "Edit old project"], ["Home", "Edit work"],
      ["PageDown", "Edit old project"], ["ArrowUp", "Edit spare"], ["End", "Edit old project"], ["PageUp", "Edit work"],
    ]) {
      await press(pressed);
      await hasFocus(reached, `after ${pressed}`);
    }
    await tabTo("Show the secret of spare");
    await press("End");
    await hasFocus("Show the secret of old project");
  });

  test("a thousand rows: End reaches the last row, and scrolling keeps the focus in the table", async (t) => {
    const { page, focused, hasFocus, press, tabTo } = await paste(t, pool(...Array.from({ length: 1000 }, (_, i) => key(`id${i}`, `key ${i}`))));
    await hasFocus("Table");
    await tabTo("Duplicate key 0");
    await press("End");
    await hasFocus("Duplicate key 999");
    await press("Home");
    await hasFocus("Duplicate key 0");
    await press("PageDown");
    const { name } = await hasFocus(/^Duplicate key (?!0$)/);
    await press("PageUp");
    await hasFocus("Duplicate key 0", `after ${name}`);
    await page.locator("pool-table .viewport").hover();
    await page.mouse.wheel(0, 20_000);
    await page.locator('pool-table [data-id="id0"]').waitFor({ state: "detached" });
    assert.match((await focused())?.name ?? "nothing", /^Move key \d+/);
  });

  test("keys move rows, each move is announced, and keys undo it", async (t) => {
    const { hasFocus, press, tabTo, announces, rows } = await openSample(t);
    await tabTo(/^Move work: place 1 of 3/);
    await press("ArrowDown");
    await announces("work is at place 2");
    await hasFocus("Move work: place 2 of 3. Arrow keys move it.");
    await press("End");
    await announces("work is at place 3");
    await hasFocus("Move work: place 3 of 3. Arrow keys move it.");
    await press("Control+z");
    await announces("Undone: move of work");
    await hasFocus("Move work: place 2 of 3. Arrow keys move it.");
    await press("Control+y");
    await announces("Redone: move of work");
    await hasFocus("Move work: place 3 of 3. Arrow keys move it.");
    assert.deepEqual(await rows(), ["spare", "old project", "work"]);
    await press("Control+Shift+z");
    await announces("There is nothing to be redone");
    await press("Control+z", "Control+z");
    assert.deepEqual(await rows(), ["work", "spare", "old project"]);
    await press("Control+z");
    await announces("There is nothing to be undone");
    await hasFocus("Move work: place 1 of 3. Arrow keys move it.");
  });

  test("undo that removes the focused row keeps the focus in the table", async (t) => {
    const { hasFocus, press, tabTo, announces, rows } = await openSample(t);
    await tabTo("Duplicate work");
    await press("Enter");
    await announces("work was duplicated");
    await hasFocus("Duplicate work");
    await tabTo("Edit work copy");
    await press("Control+z");
    await announces("Undone: duplicate of work");
    await hasFocus("Move spare: place 2 of 3. Arrow keys move it.");
    assert.deepEqual(await rows(), ["work", "spare", "old project"]);
  });

  test("removing a row moves the focus to the next row, else to the previous row, else to the table", async (t) => {
    const { page, hasFocus, press, tabTo, announces } = await openSample(t);
    const table = page.locator("pool-table");
    await tabTo("Remove spare");
    await press("Enter");
    await announces("spare was removed; Undo brings it back");
    await hasFocus("Move old project: place 2 of 2. Arrow keys move it.");
    await tabTo("Remove old project");
    await press("Space");
    await hasFocus("Move work: place 1 of 1. Arrow keys move it.");
    await tabTo("Remove work");
    await press("Enter");
    await announces("work was removed; Undo brings it back");
    await table.getByText("work").waitFor({ state: "detached" });
    await hasFocus("No credentials");
    await press("Control+z");
    await announces("Undone: remove of work");
    await table.getByText("work").waitFor();
    await tabTo("Edit work");
  });

  test("a reset removes its button, and the row keeps the focus", async (t) => {
    const { hasFocus, press, tabTo, announces } = await openSample(t);
    await tabTo("Reset spare");
    await press("Enter");
    await announces("spare was reset");
    await hasFocus("Move spare: place 2 of 3. Arrow keys move it.");
  });

  test("the end of a cooldown removes the reset button, and the row keeps the focus", async (t) => {
    const now = Math.floor(Date.now() / 1000);
    const coolingDown = { last_status: "exhausted", last_status_at: now, last_error_code: 429, last_error_reset_at: now + 3600 };
    const { hasFocus, tabTo, page } = await paste(t, pool(key("a", "work", coolingDown), key("b", "spare")));
    await hasFocus("Table");
    await tabTo("Reset work");
    await page.clock.install();
    await page.clock.fastForward("01:00:00");
    await page.getByText("2 available").waitFor();
    await hasFocus("Move work: place 1 of 2. Arrow keys move it.");
  });

  test("a secret is shown, hidden and copied", async (t) => {
    const { page, hasFocus, press, tabTo, announces } = await paste(t, pool(key("a", "work"), key("b", "spare")));
    await hasFocus("Table");
    await tabTo("Show the secret of work");
    await press("Enter");
    await announces("The secret of work is shown for 30 seconds");
    await page.getByText("sk-canary-a").waitFor();
    await hasFocus("Hide the secret of work");
    await press("Enter");
    await page.getByText("sk-canary-a").waitFor({ state: "detached" });
    await hasFocus("Show the secret of work");
    await tabTo("Copy the secret of work");
    await press("Enter");
    await announces("The secret of work was copied");
    await hasFocus("Copy the secret of work");
  });

  test("the form adds a credential and shows faults at their fields", async (t) => {
    const { page, focused, hasFocus, press, tabTo, announces, rows } = await openSample(t);
    await tabTo("Add…");
    await press("Enter");
    await hasFocus("Label");
    await page.keyboard.type("mine");
    await press("Enter");
    const missing = await hasFocus("Key", "after a submit without one");
    assert.deepEqual([missing.isInvalid, missing.description], [true, "a credential needs a key or token"]);
    await page.keyboard.type("sk-canary-new");
    await page.locator('#access_token[aria-invalid="false"]').waitFor();
    assert.equal((await focused()).isInvalid, false);
    await tabTo("Base URL");
    await page.keyboard.type("nonsense");
    const wrong = await hasFocus("Base URL");
    assert.deepEqual([wrong.isInvalid, wrong.description], [true, "this is not a URL: https://…/v1"]);
    const fault = page.locator("#base_url-help");
    assert.equal(await fault.getAttribute("aria-live"), "polite", "faults are announced while a person types");
    await press("Control+a", "Delete");
    assert.equal((await hasFocus("Base URL")).isInvalid, false);
    await tabTo(/Share of the requests/);
    await press("Enter");
    await tabTo("Weight");
    await page.keyboard.type("0");
    assert.equal((await hasFocus("Weight")).isInvalid, true);
    await tabTo(/Share of the requests/, { back: true });
    await press("Enter");
    await tabTo("Add");
    await press("Enter");
    await hasFocus("Weight", "which was collapsed");
    await press("Control+a");
    await page.keyboard.type("3");
    await press("Enter");
    await announces("mine was added");
    await hasFocus("Add…", "when the form is closed");
    assert.deepEqual(await rows(), ["work", "spare", "old project", "mine"]);
  });

  test("the form holds the focus, and Escape or Cancel returns it", async (t) => {
    const { page, focused, hasFocus, press, tabTo, rows } = await openSample(t);
    await tabTo("Edit spare");
    await press("Enter");
    await hasFocus("Label");
    for (let stop = 0; stop < 20; stop += 1) {
      const isInside = await page.evaluate(`${DEEPEST}?.closest("dialog") != null || document.activeElement === document.body`);
      assert.ok(isInside, JSON.stringify(await focused()));
      await press("Tab");
    }
    await press("Escape");
    await hasFocus("Edit spare");
    await press("Enter");
    await hasFocus("Label");
    await press("Control+a");
    await page.keyboard.type("second");
    await tabTo("Cancel");
    await press("Enter");
    await hasFocus("Edit spare");
    assert.deepEqual(await rows(), ["work", "spare", "old project"]);
    await press("Enter");
    await hasFocus("Label");
    await press("Control+a");
    await page.keyboard.type("second");
    await press("Enter");
    await hasFocus("Edit second");
  });

  test("strategy and policy are set, and a fault in the differences is described at their field", async (t) => {
    const { page, hasFocus, press, tabTo } = await openSample(t);
    await tabTo("Strategy");
    await page.keyboard.type("random");
    assert.match((await hasFocus("Strategy")).description, /^Random choice/);
    await tabTo("Policy");
    await press("ArrowDown");
    assert.match((await hasFocus("Policy")).description, /^One hour after/);
    await tabTo(/Differences from the preset/);
    await press("Enter");
    await tabTo("Differences, as JSON");
    await page.keyboard.type('{"patience_ms": "long"}');
    const wrong = await hasFocus("Differences, as JSON");
    assert.equal(wrong.isInvalid, true);
    assert.match(wrong.description, /patience_ms/);
    assert.equal(await page.locator("#differences-help").getAttribute("aria-live"), "polite");
    await press("Control+a");
    await page.keyboard.type('{"patience_ms": 5000}');
    assert.equal((await hasFocus("Differences, as JSON")).isInvalid, false);
    await press("Control+s");
    await hasFocus(/^Save as/);
    await page.getByRole("region", { name: "Changed lines" }).getByText('"patience_ms": 5000').waitFor();
    await press("Escape");
    await hasFocus("Differences, as JSON");
    await tabTo("Strategy", { back: true });
    await press("Control+z", "Control+z", "Control+z");
    assert.equal(await page.getByLabel("Strategy").inputValue(), "round_robin");
    await hasFocus("Strategy");
  });

  test("the JSON editor: Tab and Shift+Tab leave it, and its description says so", async (t) => {
    const { page, hasFocus, press, tabTo } = await openSample(t);
    await press("ArrowRight");
    await hasFocus("JSON");
    await page.locator("raw-view .mask").first().waitFor();
    const editor = await tabTo("The document as JSON");
    assert.match(editor.description, /^Tab leaves the editor\./);
    await press("Tab");
    await press("Shift+Tab");
    await hasFocus("The document as JSON");
    await press("Shift+Tab");
    await hasFocus("Find");
    await press("Enter");
    await hasFocus(/^Find/);
    await page.keyboard.type("spare");
    await press("Escape");
    await hasFocus("The document as JSON", "when the search is closed");
    await press("Control+Home", "ArrowRight", "Enter");
    await press("Control+z");
    await hasFocus("The document as JSON", "after an undo");
    await page.locator("raw-view .status").getByText("typing: undone.").waitFor();
  });

  test("a row is shown in the JSON view, and the editor has the focus", async (t) => {
    const { page, hasFocus, press, tabTo } = await openSample(t);
    await tabTo("Show spare in the JSON");
    await press("Enter");
    await hasFocus("The document as JSON");
    await page.waitForFunction(() => {
      const raw = document.querySelector("pool-page").shadowRoot.querySelector("raw-view").shadowRoot;
      return raw.querySelector(".cm-activeLine")?.nextElementSibling?.textContent.includes("b81d07");
    });
  });

  test("problems are visited and repaired one by one, and a problem that undo or redo removes passes the focus on", async (t) => {
    const { page, hasFocus, press, tabTo } = await paste(t, pool(key("a", "work", { priority: "3" }), key("b", "spare", { last_status: "odd" })));
    const problems = (count) => page.waitForFunction((wanted) => {
      const raw = document.querySelector("pool-page").shadowRoot.querySelector("raw-view").shadowRoot;
      return raw.querySelector("problem-list").shadowRoot.querySelectorAll("li").length === wanted;
    }, count);
    await hasFocus("Table");
    await press("ArrowRight");
    await hasFocus(/^JSON/);
    await page.locator("problem-list li").nth(1).waitFor();
    const { description } = await tabTo("Go there");
    assert.match(description, /Line 8: ?`priority`/, "which problem the button belongs to");
    await press("Enter");
    await hasFocus("The document as JSON");
    await tabTo("Remove the quotes");
    await press("Enter");
    await hasFocus("The document as JSON");
    await problems(1);
    await tabTo("Clear the status");
    await press("Enter");
    await problems(0);
    await page.getByRole("heading", { name: "No problems" }).waitFor();

    await press("Control+z", "Control+z");
    await problems(2);
    await tabTo("Clear the status");
    await press("Control+y");
    await problems(1);
    await hasFocus("Clear the status", "in the one item that is left");
    await press("Control+y");
    await problems(0);
    await hasFocus("No problems");
  });

  test("repairs found on request get the focus", async (t) => {
    const rows = Array.from({ length: 22 }, (_, i) => key(`id${i}`, `key ${i}`, { priority: "x" }));
    const { page, hasFocus, press, tabTo } = await paste(t, pool(...rows));
    await hasFocus("Table");
    await press("ArrowRight");
    await page.locator("problem-list li").nth(21).waitFor();
    await tabTo("Find repairs");
    await press("Enter");
    await hasFocus("Delete this field");
    assert.equal(await page.locator("#announcer").textContent(), "Delete this field");
  });

  test("a text that is not a document: from the table to its repair and back", async (t) => {
    const { page, hasFocus, press, tabTo } = await paste(t, "this is no JSON {{{");
    await hasFocus(/^JSON/);
    await press("ArrowLeft");
    await hasFocus("Table");
    await tabTo("Repair it in the JSON view");
    await press("Enter");
    await hasFocus(/^JSON/);
    await page.locator("problem-list li").first().waitFor();
    await tabTo("The document as JSON");
    await press("Control+a", "Delete");
    await page.keyboard.type(pool(key("a", "work")).replaceAll(/\s+/g, ""));
    await tabTo(/^JSON/, { back: true });
    await press("ArrowLeft");
    await page.locator("pool-table").getByText("work").waitFor();
    await hasFocus("Table");
  });

  test("closing an error message passes the focus on", async (t) => {
    const { page, hasFocus, press, tabTo } = await openSample(t);
    await page.evaluate(() => {
      window.showOpenFilePicker = async () => { throw new Error("the disk is on fire"); };
    });
    await tabTo("Open…", { back: true });
    await press("Enter");
    await page.getByRole("alert").getByText("The disk is on fire.").waitFor();
    await hasFocus("Open…");
    await tabTo("Close");
    await press("Enter");
    await hasFocus("Table");
  });

  test("Try it: play, pause, step, compare, use", async (t) => {
    const { page, hasFocus, press, tabTo } = await openSample(t);
    await press("ArrowLeft");
    await hasFocus("Try it");
    const announcement = page.locator("try-view > [role=status], try-view .visually-hidden[role=status]").first();
    const announced = (text) => announcement.filter({ hasText: text }).waitFor({ state: "attached" });
    await announced(/^At 0:10:00\. Side A: \d+ served/);
    await tabTo(/Details of the policy/);
    await press("Enter");
    const limit = await tabTo("Requests in flight per credential");
    assert.equal(limit.role, "spinbutton");
    await press("Control+a");
    await page.keyboard.type("2");
    await tabTo("Reset to adaptive");
    await press("Enter");
    await hasFocus("Reset to adaptive", "though it is disabled now");
    await tabTo("Compare with a side B");
    await press("Enter");
    await hasFocus("Remove side B");
    await announced(/Side B: \d+ served/);
    await press("Enter");
    await hasFocus("Compare with a side B");
    await tabTo("How the provider treats spare");
    await page.keyboard.type("Is revoked");
    await hasFocus("How the provider treats spare");
    await tabTo("spare: from minute");
    await page.keyboard.type("3");
    await tabTo("Play");
    await press("Enter");
    await hasFocus("Pause");
    await announced("Playing.");
    await press("Space");
    await hasFocus("Play");
    await announced(/^Paused \d:\d\d:\d\d\. Side A/);
    for (const step of ["Next request", "Next event", "+1 min", "+10 min", "+1 h", "Restart"]) {
      await tabTo(step);
      const before = await announcement.textContent();
      await press("Enter");
      await page.waitForFunction((text) => {
        const view = document.querySelector("pool-page").shadowRoot.querySelector("try-view").shadowRoot;
        return view.querySelector(".visually-hidden[role=status]").textContent !== text;
      }, before);
      await announced(/^At /);
      await hasFocus(step);
    }
    await tabTo("Cooldowns as a table");
    await press("Enter");
    await tabTo(/^Share of the load/);
    await tabTo("As a table");
    await tabTo(/^Explanation, side A/);
    await tabTo(/^Strategy/, { back: true });
    await page.keyboard.type("random");
    await tabTo(/^Use this in the document/, { back: true });
    await press("Enter");
    await hasFocus(/^Use this in the document/);
    assert.equal(await page.locator("#announcer").textContent(), "Used for openrouter; not saved yet");
  });

  test("saving: the dialog takes, holds and returns the focus", async (t) => {
    const { page, focused, hasFocus, press, tabTo, announces } = await openSample(t);
    await tabTo("Remove work");
    await press("Enter");
    await tabTo("Save…", { back: true });
    await press("Enter");
    await hasFocus(/^Save as/);
    await tabTo("Changed lines", { back: true });
    assert.equal((await focused()).role, "region");
    await tabTo("Cancel");
    await press("Enter");
    await hasFocus("Save…");
    await press("Enter");
    await hasFocus(/^Save as/);
    await press("Escape");
    await hasFocus("Save…");
    await tabTo("Strategy");
    await press("Control+s");
    await hasFocus(/^Save as/);
    const download = page.waitForEvent("download");
    await press("Enter");
    await download;
    await announces("auth.json is saved");
    await hasFocus("Strategy");
  });
});

describe("announcements", () => {
  test("the live region exists before the first announcement, and repeats an equal text", async (t) => {
    const { page, press, tabTo, announces } = await openForKeyboard(t);
    assert.equal(await page.locator("#announcer[aria-live=polite]").textContent(), "");
    await tabTo("New document");
    await press("Enter");
    await announces("The document is open");
    await press("Control+z");
    await announces("There is nothing to be undone");
    const before = await page.locator("#announcer").textContent();
    await press("Control+z");
    await page.waitForFunction((text) => document.querySelector("#announcer").textContent !== text, before);
    await announces("There is nothing to be undone");
  });
});

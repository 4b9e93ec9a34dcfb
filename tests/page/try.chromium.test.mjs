// “Try it”: the page shows the same results as the simulator run in Node.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { openPage } from "./browser.mjs";
import { bundled } from "./simulator.mjs";

const { Comparison } = await bundled();

const STARTS_AT = Date.UTC(2026, 0, 1);
const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
/** Initial length of the shown time. */
const SPAN = 20 * MINUTE;

const row = (id, label, priority, more = {}) => ({
  id, label, auth_type: "api_key", priority, source: "manual", access_token: `sk-canary-${id}`, request_count: 3, ...more,
});
const ROWS = [row("aaaaaa", "one", 0, { request_count: 40 }), row("bbbbbb", "two", 1, { weight: 3 }), row("cccccc", "three", 2, { max_in_flight: 1 })];
const documentOf = (rows, more = {}) => JSON.stringify({ credential_pool: { openrouter: rows }, ...more });
const credential = ({ id, label, request_count, weight = 1, max_in_flight = null }) => (
  { id, label, isLogin: false, requestCount: request_count, weight, maxInFlight: max_in_flight }
);
const healthy = { type: "healthy", numbers: {} };
const limited = { type: "limited", numbers: {} };

/** Returns the initial settings of “Try it”, with the changes of a test. */
const setting = ({ rows = ROWS, behaviours = rows.map((_, number) => (number === 0 ? limited : healthy)), traffic = {}, ...more } = {}) => ({
  poolKey: "openrouter",
  credentials: rows.map(credential),
  behaviours,
  outage: { fromMinute: 5, minutes: 0 },
  traffic: { seed: 1, requestsPerMinute: 30, sessions: 0, models: 1, durationMs: 8 * SECOND, ...traffic },
  strategy: "fill_first",
  policy: {},
  ...more,
});

/** Returns the runs of the settings after `elapsed`, simulated in Node. */
function played(settings, elapsed) {
  const match = new Comparison(settings);
  match.advance({ until: STARTS_AT + elapsed });
  return match.sides;
}

async function openTry(t, document = documentOf(ROWS)) {
  const { page, violations, consoleErrors } = await openPage(t, { document, viewport: { width: 1600, height: 1200 } });
  t.after(() => assert.deepEqual({ violations, consoleErrors }, { violations: [], consoleErrors: [] }));
  await page.getByRole("tab", { name: "Try it" }).click();
  await page.locator("try-side-result").first().waitFor();
  const press = (name) => page.getByRole("button", { name, exact: true }).click();
  /** Fills a field of the traffic or of a credential. */
  const fill = async (name, value) => {
    await page.getByLabel(name, { exact: true }).fill(String(value));
    await page.getByLabel(name, { exact: true }).press("Enter");
  };
  const side = (name) => page.getByRole("region", { name: `Settings of side ${name}` });
  return { page, press, fill, side };
}

/** Returns the shown results of each side. */
function shownResults(page) {
  return page.locator("try-view").evaluate((view) => [...view.renderRoot.querySelectorAll("try-side-result")].map((side) => {
    const tidy = (node) => node.textContent.replace(/\s+/g, " ").trim();
    const all = (root, selector) => [...root.querySelectorAll(selector)];
    const root = side.renderRoot;
    const chart = root.querySelector("try-timeline").renderRoot;
    const svg = chart.querySelector(".frame svg");
    const lanes = [];
    for (const part of svg.children) {
      if (part.matches("text:not(.state, .tick)")) lanes.push({ label: part.textContent, cooldowns: [] });
      if (part.matches(".state")) lanes.at(-1).state = part.textContent;
      if (part.matches("path")) lanes.at(-1)[part.getAttribute("class")] = part.getAttribute("d") !== "";
      if (!part.matches("g")) continue;
      const edge = part.querySelector("[class^=edge]");
      lanes.at(-1).cooldowns.push({
        text: part.querySelector("title").textContent,
        pattern: edge.getAttribute("fill"),
        x: Number(edge.getAttribute("x")),
        width: Number(edge.getAttribute("width")),
      });
    }
    const [served, failed, waited] = all(root, "dl dd").map((cell) => [...cell.childNodes].filter(({ nodeType }) => nodeType !== Node.COMMENT_NODE).map((node) => node.textContent.trim()).filter(Boolean));
    return {
      heading: tidy(root.querySelector("h3")), served, failed, waited: waited[0], lanes, width: svg.viewBox.baseVal.width,
      bars: all(root, ".share .bar").map((bar) => Number(bar.getAttribute("width"))),
      shares: all(root, ".share .number").map(tidy),
      answered: all(root, "details tbody tr").map((line) => all(line, "td").map(tidy)),
      next: tidy(all(root, "h4").at(-2)),
      why: all(root, ".why li").map(tidy),
      log: all(root, ".log li").map((line) => [tidy(line.querySelector("time")), tidy(line.lastElementChild).replace(/^[▲·] /, "")]),
      cooldowns: all(chart, "tbody tr").map((line) => all(line, "td").map(tidy)),
      clock: tidy(view.renderRoot.querySelector(".clock")),
    };
  }));
}

/** Returns the expected results of a run; the chart is compared by `assertChart`. */
function expectedResults(run, { rows = ROWS, heading }) {
  const { lanes, counts, lines } = run.recording;
  const labels = rows.map(({ label }) => label);
  const failed = counts.exhausted + counts.givenUp;
  const served = lanes.reduce((sum, lane) => sum + lane.served, 0);
  const named = (lane, text) => [lane === null ? "" : labels[lane], clocked(text)].filter(Boolean).join(" ");
  const { model, affinity } = run.nextArrival.request;
  return {
    heading,
    served: [count(counts.served), `of ${count(counts.arrived)}`],
    failed: [count(failed), ...(counts.arrived === 0 ? [] : [percent(failed, counts.arrived)])],
    waited: count(counts.waited),
    bars: lanes.map((lane) => (served === 0 ? 0 : (lane.served / served) * 100)),
    shares: lanes.map((lane) => `${served === 0 ? 0 : Math.round((lane.served / served) * 100)} % · ${count(lane.served)}`),
    answered: lanes.map((lane, number) => [labels[number], count(lane.served), counts.served === 0 ? "" : percent(lane.served, counts.served), count(lane.errors)]),
    next: `If the next request (${[model, affinity].filter(Boolean).join(", ")}) came now`,
    why: run.explain().map(({ text }, number) => `${labels[number]} ${clocked(text)}`),
    log: lines.slice(-40).reverse().map(({ at, lane, text }) => [clock(at), named(lane, text)]),
    cooldowns: lanes.flatMap(({ cooldowns }, number) => cooldowns.slice(-5).map(({ from, until, text }) =>
      [labels[number], clock(from), until === Infinity ? "dead" : clock(until), clocked(text)])),
    clock: clock(run.now),
  };
}

/** Asserts that the chart has each cooldown of a run at its place, with its pattern, and names the state of each credential. */
function assertChart({ lanes, width }, run, span = SPAN) {
  const { now } = run;
  const from = Math.max(STARTS_AT, now - span);
  // Positions are rounded to a tenth of a unit, and short cooldowns are drawn with a minimum width.
  const [tenth, least] = [(0.11 / width) * span, (2 / width) * span];
  for (const [number, { cooldowns, served, errors, state }] of lanes.entries()) {
    const lane = run.recording.lanes[number];
    const expected = lane.cooldowns.filter(({ until }) => until > from);
    assert.deepEqual(cooldowns.map(({ text }) => text), expected.map(({ text }) => clocked(text)));
    for (const [place, cooldown] of expected.entries()) {
      const { x, width: drawn, pattern } = cooldowns[place];
      const [begins, lasts] = [from + (x / width) * span, (drawn / width) * span];
      const length = Math.min(cooldown.until, now) - Math.max(cooldown.from, from);
      assert.ok(Math.abs(begins - Math.max(cooldown.from, from)) <= tenth, `${clock(begins)} is not ${clock(cooldown.from)}`);
      assert.ok(Math.abs(lasts - Math.max(length, least)) <= 2 * tenth, `${lasts} ms are not ${length} ms`);
      assert.equal(pattern, `url(#${cooldown.until === Infinity ? "dead" : cooldown.model === null ? "cooldown" : "model"})`);
    }
    const marks = [...run.recording.marksSince(from)].filter((mark) => mark.lane === number);
    assert.deepEqual([served, errors], [marks.some(({ isServed }) => isServed), marks.some(({ isServed }) => !isServed)]);
    const open = lane.cooldowns.findLast(({ until }) => until > now);
    assert.match(state, open === undefined ? new RegExp(`^${lane.inFlight} in flight$`) : open.until === Infinity ? /^dead: / : /^cooling down, [\d.]+ (s|min|h) left: /);
  }
}

/** Asserts that the page shows the results of the settings after `elapsed`, once its runs have arrived. Returns the runs. */
async function assertShows(page, settings, elapsed, { rows = ROWS, span } = {}) {
  const runs = played(settings, elapsed);
  const headings = settings.map(({ strategy, policy: { preset = "adaptive" } }, number) =>
    `${settings.length > 1 ? `${"AB"[number]}: ` : ""}${strategy}, ${preset}`);
  await eventually(async () => {
    await page.locator('try-view .results[aria-busy="false"]').waitFor();
    const shown = await shownResults(page);
    assert.deepEqual(shown.map(({ lanes: _, width: __, ...picture }) => picture), runs.map((run, number) => expectedResults(run, { rows, heading: headings[number] })));
    shown.forEach((picture, number) => assertChart(picture, runs[number], span));
  });
  return runs;
}

/** Retries an assertion until it holds, at a pace that leaves the page time for its own work. */
async function eventually(holds) {
  for (let tries = 600; ; tries -= 1) {
    try {
      return await holds();
    } catch (error) {
      if (tries === 0) throw error;
      await setTimeout(100);
    }
  }
}

const two = (number) => String(number).padStart(2, "0");
const clock = (at) => {
  const seconds = Math.floor((at - STARTS_AT) / SECOND);
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
};
const clocked = (text) => text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (date) => clock(Date.parse(date))).replace(/\s+/g, " ").trim();
const count = (number) => number.toLocaleString("en");
const percent = (part, whole) => `${Math.round((part / whole) * 1000) / 10} %`;

describe("Try it", { concurrency: 2 }, () => {
  test("every strategy and policy of a side is simulated", async (t) => {
    const { page, side } = await openTry(t);
    const strategies = await side("A").getByLabel("Strategy").locator("option").allTextContents();
    assert.deepEqual(strategies, ["fill_first", "round_robin", "random", "least_used", "least_in_flight"]);
    for (const preset of ["adaptive", "reference"]) {
      await side("A").getByLabel("Policy", { exact: true }).selectOption(preset);
      for (const strategy of strategies) {
        await side("A").getByLabel("Strategy").selectOption(strategy);
        await assertShows(page, [setting({ strategy, policy: { preset } })], 10 * MINUTE);
      }
    }
  });

  test("every behaviour: each cooldown is in the chart, the table and the log, and shares add up", async (t) => {
    const { page, press, fill } = await openTry(t);
    const happens = page.getByLabel("How the provider treats two");
    const kinds = {
      "Serves everything": healthy,
      "Rate limit with Retry-After": { type: "limited", numbers: { count: 5 }, fields: { "two: requests a minute": 5 } },
      "Rate limit without Retry-After": { type: "limited_silent", numbers: { count: 4 }, fields: { "two: requests a minute": 4 } },
      "Daily quota": { type: "quota", numbers: { count: 20 }, fields: { "two: requests a day": 20 } },
      "Is revoked": { type: "revoked", numbers: { from: 3 }, fields: { "two: from minute": 3 } },
      "Key is not accepted": { type: "not_accepted", numbers: { from: 4 }, fields: { "two: from minute": 4 } },
      "Overloaded for a while": { type: "outage", numbers: { from: 1, minutes: 4 }, fields: { "two: from minute": 1, "two: for minutes": 4 } },
      "One model is forbidden": { type: "model_forbidden", numbers: { model: 2 }, fields: { "two: model": 2 } },
      Slow: { type: "slow", numbers: { factor: 6 }, fields: { "two: times as long": 6 } },
      "Fails now and then": { type: "flaky", numbers: { percent: 40 }, fields: { "two: % of requests": 40 } },
    };
    assert.deepEqual((await happens.locator("option").allTextContents()).map((text) => text.trim()), Object.keys(kinds), "all offered behaviours");
    await fill("Models", 2);
    await press("+10 min");
    const cooledDown = [];
    for (const [kind, { fields = {}, ...behaviour }] of Object.entries(kinds)) {
      await happens.selectOption(kind);
      for (const [name, value] of Object.entries(fields)) await fill(name, value);
      const settings = [setting({ behaviours: [limited, behaviour, healthy], traffic: { models: 2 } })];
      const [run] = await assertShows(page, settings, 20 * MINUTE);
      if (run.recording.lanes[1].cooldowns.length > 0) cooledDown.push(kind);

      const [{ bars, answered, served: [all] }] = await shownResults(page);
      assert.ok(Math.abs(bars.reduce((sum, bar) => sum + bar, 0) - 100) < 1e-6, `${kind}: ${bars}`);
      const each = answered.map(([, served]) => Number(served.replace(",", "")));
      assert.equal(each.reduce((sum, served) => sum + served, 0), Number(all.replace(",", "")), kind);
    }
    assert.deepEqual(cooledDown, [
      "Rate limit with Retry-After", "Rate limit without Retry-After", "Daily quota", "Is revoked", "Key is not accepted", "One model is forbidden",
    ], "behaviours that cause cooldowns");
  });

  test("the traffic follows its fields, within their ranges", async (t) => {
    const { page, fill } = await openTry(t);
    const traffic = { requestsPerMinute: 90, durationMs: 3 * SECOND, sessions: 5, models: 3, seed: 42 };
    await fill("Requests a minute", 90);
    await fill("Duration of a request, s", 3);
    await fill("Sessions", 5);
    await fill("Models", 3);
    await fill("Seed", 42);
    await fill("Outage from minute", 4);
    await fill("Outage length, min", 2);
    await assertShows(page, [setting({ traffic, outage: { fromMinute: 4, minutes: 2 } })], 10 * MINUTE);
    await fill("Requests a minute", 0);
    await fill("Models", 99);
    await fill("Seed", "");
    assert.equal(await page.getByLabel("Requests a minute", { exact: true }).inputValue(), "1");
    assert.equal(await page.getByLabel("Models").inputValue(), "9");
    const least = { ...traffic, requestsPerMinute: 1, models: 9, seed: 0 };
    await assertShows(page, [setting({ traffic: least, outage: { fromMinute: 4, minutes: 2 } })], 10 * MINUTE);
  });

  test("the details of a policy are simulated, counted and reset", async (t) => {
    const { page, fill, side } = await openTry(t);
    await fill("Requests a minute", 60);
    await side("A").getByText("Details of the policy").click();
    const [patience, hard] = [side("A").getByLabel("Patience of a request, s"), side("A").getByLabel("Requests in flight per credential")];
    await patience.fill("2");
    await patience.press("Enter");
    await hard.fill("2");
    await hard.press("Enter");
    await side("A").getByLabel("One probe goes first after a cooldown").uncheck();
    await side("A").getByText("3 differ from adaptive").waitFor();
    const policy = { patience_ms: 2 * SECOND, max_in_flight: { hard: 2 }, half_open: false };
    const traffic = { requestsPerMinute: 60 };
    const [narrow] = await assertShows(page, [setting({ policy, traffic })], 10 * MINUTE);
    await hard.fill("-1");
    await hard.press("Enter");
    assert.equal(await hard.inputValue(), "2", "an invalid value is rejected");
    await side("A").getByRole("button", { name: "Reset to adaptive" }).click();
    const [wide] = await assertShows(page, [setting({ policy: { preset: "adaptive" }, traffic })], 10 * MINUTE);
    assert.notDeepEqual(narrow.recording.counts, wide.recording.counts);
  });

  test("two sides get the same traffic, each with its own settings, and one is used in the document", async (t) => {
    const { page, press, fill, side } = await openTry(t);
    await press("Compare with a side B");
    const limits = (numbers) => ROWS.map((_, number) => (number === 0 ? { type: "limited", numbers } : healthy));
    await fill("one: requests a minute", 3);
    await side("B").getByLabel("Policy", { exact: true }).selectOption("reference");
    await press("+10 min");
    const [one, other] = await assertShows(page, [
      setting({ behaviours: limits({ count: 3 }) }),
      setting({ behaviours: limits({ count: 3 }), strategy: "round_robin", policy: { preset: "reference" } }),
    ], 20 * MINUTE);
    const [a, b] = await shownResults(page);
    assert.deepEqual([a.served[1], a.next, a.clock], [b.served[1], b.next, b.clock]);
    assert.notDeepEqual(one.recording.lanes.map(({ served }) => served), other.recording.lanes.map(({ served }) => served));

    await side("B").getByRole("button", { name: /^Use this in the document/ }).click();
    await page.getByRole("tab", { name: "Table" }).click();
    assert.equal(await page.getByLabel("Strategy").inputValue(), "round_robin");
    assert.equal(await page.getByLabel("Policy", { exact: true }).inputValue(), "reference");
    await page.getByRole("tab", { name: "Try it" }).click();
    await assertShows(page, [setting({ strategy: "round_robin", policy: { preset: "reference" } })], 10 * MINUTE);
  });

  test("the same seed gives the same results, again and in another browser; another seed gives others", async (t) => {
    const { page, press, fill, side } = await openTry(t);
    const shown = async (at) => {
      await page.locator("try-view .clock").filter({ hasText: at }).waitFor();
      return shownResults(page);
    };
    const chosen = async (opened) => {
      await opened.side("A").getByLabel("Strategy").selectOption("random");
      await opened.fill("Seed", 5);
      await opened.press("Restart");
      await opened.page.locator("try-view .clock").filter({ hasText: "0:00:00" }).waitFor();
      await opened.press("+1 h");
      await assertShows(opened.page, [setting({ strategy: "random", traffic: { seed: 5 } })], HOUR);
      return shownResults(opened.page);
    };
    const first = await chosen({ page, press, fill, side });
    await press("Restart");
    await shown("0:00:00");
    await press("+1 h");
    await eventually(async () => assert.deepEqual(await shownResults(page), first));
    assert.deepEqual(await chosen(await openTry(t)), first);
    await fill("Seed", 6);
    await assertShows(page, [setting({ strategy: "random", traffic: { seed: 6 } })], HOUR);
    assert.notDeepEqual(await shownResults(page), first);
  });

  test("steps and jumps reach their time, and the results are those of that time", async (t) => {
    const { page, press } = await openTry(t);
    let elapsed = 10 * MINUTE;
    for (const [name, length] of [["+1 min", MINUTE], ["+10 min", 10 * MINUTE], ["+1 h", HOUR]]) {
      await press(name);
      elapsed += length;
      await assertShows(page, [setting()], elapsed);
    }
    await press("Restart");
    await assertShows(page, [setting()], 0);

    const match = new Comparison([setting()]);
    match.advance({ until: STARTS_AT });
    for (let request = 1; request <= 3; request += 1) {
      match.advance({ until: match.sides[0].nextArrival.at });
      await press("Next request");
      await assertShows(page, [setting()], match.now - STARTS_AT);
      assert.equal((await shownResults(page))[0].served[1], `of ${request}`);
    }
    for (let event = 1; event <= 3; event += 1) {
      match.advance({ until: match.now + 24 * HOUR, stopsAtEvent: true });
      await press("Next event");
      await assertShows(page, [setting()], match.now - STARTS_AT);
      assert.equal((await shownResults(page))[0].log.length, event);
    }
  });

  test("steps that are pressed while another is under way follow it, and a change then runs to the same time", async (t) => {
    const { page, fill } = await openTry(t);
    const pressAtOnce = (names, changes) => page.locator("try-view").evaluate((view, { names, changes }) => {
      for (const name of names) [...view.renderRoot.querySelectorAll("button")].find(({ textContent }) => textContent === name).click();
      if (changes === undefined) return;
      const traffic = { ...view.scenario.traffic, ...changes };
      const change = new CustomEvent("change-scenario", { detail: { ...view.scenario, traffic } });
      view.renderRoot.querySelector("try-scenario-settings").dispatchEvent(change);
    }, { names, changes });
    await pressAtOnce(["Restart", "+1 h", "+10 min", "+1 min", "Next request"]);
    const elapsed = HOUR + 11 * MINUTE;
    const match = new Comparison([setting()]);
    match.advance({ until: STARTS_AT + elapsed });
    match.advance({ until: match.sides[0].nextArrival.at });
    await assertShows(page, [setting()], match.now - STARTS_AT);

    await pressAtOnce(["Restart", "+1 h", "+10 min", "+1 min"], { seed: 7 });
    await assertShows(page, [setting({ traffic: { seed: 7 } })], elapsed);
    await fill("Seed", 8);
    await assertShows(page, [setting({ traffic: { seed: 8 } })], elapsed);
  });

  test("it plays at the chosen speed, and the results at a pause are those of the simulator", async (t) => {
    const { page, press } = await openTry(t);
    await assertShows(page, [setting()], 10 * MINUTE);
    const said = page.locator("try-view .visually-hidden[role=status]");
    await page.clock.install();
    await page.clock.pauseAt(Date.now() + HOUR);
    let elapsed = 10 * MINUTE;
    for (const [speed, seconds] of [["60×", 4], ["300×", 4], ["1×", 10]]) {
      await page.getByLabel("Speed").selectOption(speed);
      await press("Play");
      await page.clock.runFor(seconds * SECOND);
      await press("Pause");
      await page.clock.runFor(200);
      await said.filter({ hasText: "Paused" }).waitFor({ state: "attached" });
      const now = await page.locator("try-side-result").evaluate(({ run }) => run.now);
      await assertShows(page, [setting()], now - STARTS_AT);
      const went = now - STARTS_AT - elapsed;
      const wanted = parseInt(speed) * seconds * SECOND;
      assert.ok(Math.abs(went - wanted) < wanted / 10, `${speed}: ${went} ms in ${seconds} s`);
      elapsed = now - STARTS_AT;
    }
  });

  test("text typed while it plays is kept until it is committed", async (t) => {
    const { page, press } = await openTry(t);
    await press("Play");
    const field = page.getByLabel("one: requests a minute");
    await field.fill("");
    for (const digit of "25") {
      await field.press(digit);
      // The page renders again, as it does shortly after a document was opened.
      await page.locator("pool-page").evaluate((element) => {
        element.requestUpdate();
        return element.updateComplete;
      });
      const now = await page.locator(".clock").textContent();
      await page.waitForFunction((before) => {
        const view = document.querySelector("pool-page").shadowRoot.querySelector("try-view").shadowRoot;
        return view.querySelector(".clock").textContent !== before;
      }, now);
    }
    assert.equal(await field.inputValue(), "25");
    await field.press("Enter");
    await press("Pause");
    await press("Restart");
    await page.locator(".clock").filter({ hasText: "0:00:00" }).waitFor();
    await press("+10 min");
    const behaviours = [{ type: "limited", numbers: { count: 25 } }, healthy, healthy];
    await assertShows(page, [setting({ behaviours })], 10 * MINUTE);
  });

  test("the timeline shows the chosen length of time", async (t) => {
    const { page, press } = await openTry(t);
    await press("+1 h");
    for (const [label, span] of [["5 min", 5 * MINUTE], ["1 h", HOUR], ["8 h", 8 * HOUR]]) {
      await page.getByLabel("Shown").selectOption(label);
      await assertShows(page, [setting()], HOUR + 10 * MINUTE, { span });
    }
  });

  test("the document gives the initial settings, and a change of it is simulated", async (t) => {
    const rows = [row("aaaaaa", "one", 0, { weight: 5 }), row("bbbbbb", "two", 1)];
    const policy = { preset: "reference", patience_ms: 1000 };
    const { page } = await openTry(t, documentOf(rows, {
      credential_pool_strategies: { openrouter: "random" }, credential_pool_policies: { openrouter: policy },
    }));
    await assertShows(page, [setting({ rows, strategy: "random", policy })], 10 * MINUTE, { rows });
    await page.getByRole("tab", { name: "Table" }).click();
    await page.getByRole("button", { name: "Duplicate two" }).click();
    const id = await page.locator("pool-table").evaluate((table) => table.credentials[2].entry.id);
    await page.getByRole("tab", { name: "Try it" }).click();
    const three = [...rows, row(id, "two copy", 2, { request_count: 0 })];
    await assertShows(page, [setting({ rows: three, strategy: "random", policy })], 10 * MINUTE, { rows: three });
  });

  test("an empty pool shows what to do, and a large pool shows how many credentials take part", async (t) => {
    const none = await openPage(t, { document: documentOf([]) });
    await none.page.getByRole("tab", { name: "Try it" }).click();
    await none.page.getByText("This pool has no credentials yet.").waitFor();
    const rows = Array.from({ length: 51 }, (_, i) => row(`id${i}`, `key ${i}`, i));
    const { page } = await openTry(t, documentOf(rows));
    await page.getByText("Only the first 50 of 51 credentials take part.").waitFor();
    await page.locator("try-timeline").getByRole("region", { name: "Lanes of side A" }).waitFor();
    await assertShows(page, [setting({ rows: rows.slice(0, 50) })], 10 * MINUTE, { rows: rows.slice(0, 50) });
  });
});

// Takes screenshots of each view in both colour schemes for the README: node tests/page/screenshots.mjs

import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { openPage } from "./browser.mjs";

const folder = fileURLToPath(new URL("../../www/screenshots/", import.meta.url));
const VIEWS = { Table: "pool-table time-left", JSON: "raw-view .cm-content", "Try it": "try-view svg" };

await mkdir(folder, { recursive: true });
const closing = [];
for (const colorScheme of ["light", "dark"]) {
  const { page } = await openPage({ after: (close) => closing.push(close) }, {
    colorScheme, viewport: { width: 1280, height: 760 }, deviceScaleFactor: 0.75,
  });
  await page.getByRole("button", { name: "Try a sample" }).click();
  for (const [view, there] of Object.entries(VIEWS)) {
    await page.getByRole("tab", { name: view }).click();
    await page.locator(there).first().waitFor();
    if (view === "Try it") {
      const jump = page.getByRole("button", { name: /\+?1 h/ }).first();
      if (await jump.count()) await jump.click();
    }
    await page.waitForTimeout(1500);
    if (view === "Try it") await page.locator("try-view svg").first().evaluate((svg) => svg.scrollIntoView({ block: "end" }));
    await page.screenshot({ path: `${folder}${view.toLowerCase().replace(" ", "-")}-${colorScheme}.png` });
  }
}
for (const close of closing.reverse()) await close();

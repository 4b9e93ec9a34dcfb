// Renders the PNG icons from the SVG icon: node tests/page/icons.mjs

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { openPage } from "./browser.mjs";

const at = (name) => fileURLToPath(new URL(`../../www/public/${name}`, import.meta.url));
const icon = await readFile(at("icon.svg"), "utf8");
// Systems crop a maskable icon: the background fills the square, and the drawing stays in the middle.
const maskable = icon.replace(' rx="14"', "").replace("<g ", '<g transform="translate(32 32) scale(.85) translate(-32 -32)" ');
const ICONS = [["icon-192.png", 192, icon], ["icon-512.png", 512, icon], ["icon-maskable.png", 512, maskable]];

const closing = [];
const { browser } = await openPage({ after: (close) => closing.push(close) });
for (const [name, size, svg] of ICONS) {
  const page = await browser.newPage();
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(`<style>body { margin: 0 } svg { display: block }</style>${svg}`);
  await page.screenshot({ path: at(name), omitBackground: true });
}
for (const close of closing.reverse()) await close();

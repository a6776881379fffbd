// Opens pages in Chromium without a network and runs axe-core on each, at two zooms, and walks them by keyboard.
// Usage: node axe.mjs CHROMIUM NODE_MODULES PAGE...   Prints one JSON object.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [executablePath, modules, ...pages] = process.argv.slice(2);
const require = createRequire(join(modules, "x.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const found = [];
for (const page of pages) {
  for (const [zoom, scheme] of [[1, "light"], [2, "light"], [1, "dark"]]) {
    // 200% on a screen 1280 wide leaves 640 pixels of CSS; 320 is asked for by reflow at 400%
    const context = await browser.newContext({
      viewport: { width: 1280 / zoom, height: 900 / zoom }, deviceScaleFactor: zoom, colorScheme: scheme, bypassCSP: true,
    });
    const tab = await context.newPage();
    const requests = [];
    tab.on("request", (r) => { if (!r.url().startsWith("file:")) requests.push(r.url()); });
    const errors = [];
    tab.on("console", (m) => { if (m.type() === "error") errors.push(m.text()); });
    await tab.goto(pathToFileURL(page).href);
    const width = await tab.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    // every region that scrolls must be reachable by the tabulator key
    const scrolling = await tab.evaluate(() =>
      [...document.querySelectorAll("*")].filter((e) =>
        ["auto", "scroll"].includes(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1)
        .filter((e) => e.tabIndex < 0).length);
    const stops = await tab.evaluate(() => document.querySelectorAll("a[href], [tabindex='0']").length);
    let reached = 0;
    for (let i = 0; i < stops; i++) {
      await tab.keyboard.press("Tab");
      const at = await tab.evaluate(() => {
        const e = document.activeElement, s = getComputedStyle(e);
        return e === document.body ? "" : s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 ? "seen" : e.outerHTML.slice(0, 80);
      });
      if (at === "seen") reached++; else errors.push("no focus shown: " + at);
    }
    await tab.addScriptTag({ content: axe });
    const result = await tab.evaluate((values) => axe.run(document, { runOnly: { type: "tag", values } }), tags);
    found.push({
      page, zoom, scheme, requests, errors, scrolling, stops, reached, overflow: width[0] - width[1],
      passes: result.passes.length,
      violations: result.violations.map((v) => ({ rule: v.id, n: v.nodes.length, first: v.nodes[0].html.slice(0, 160) })),
    });
    await context.close();
  }
}
await browser.close();
console.log(JSON.stringify(found));

// Accessibility by axe, in all views, light and dark, and a walk by keyboard alone.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { drawn, visit } from "../harness.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds on the page as it is, by its rules for WCAG 2.2 AA and good practice. */
async function audit(page, view) {
  const found = await page.evaluate(async (source) => {
    if (!window.axe) new Function(source)();
    const { violations } = await window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} (${node.failureSummary})`)}`);
  }, axe);
  assert.deepEqual(found, [], `${view} is accessible`);
}

export async function access(browser, { url, locked, pictures }) {
  for (const colorScheme of ["light", "dark"]) {
    await visit(browser, url, async function isAccessible(page) {
      await audit(page, `the start, ${colorScheme}`);
      await page.locator("#file").setInputFiles([join(pictures, "astronaut.jpg"), join(pictures, "coffee.jpg")]);
      await page.locator('#tray [data-state="done"]').nth(1).waitFor();
      await drawn(page);
      await page.locator("canvas.painted").first().waitFor();
      await page.getByText("File, size and quality").click();
      await audit(page, `the stage, ${colorScheme}`);
      await page.getByRole("slider", { name: /photo is shown/ }).fill("90");
      await page.goto(`${url}/docs`);
      await page.locator("h2").first().waitFor();
      await audit(page, `the interface's page, ${colorScheme}`);
    }, { colorScheme, bypassCSP: true });
  }
  await visit(browser, url, async function isAccessibleInChinese(page) {
    await audit(page, "the start in Chinese");
  }, { locale: "zh-CN", bypassCSP: true });
  await visit(browser, url, async function hasAnAccessibleCamera(page) {
    await page.getByRole("button", { name: "Take a photo" }).click();
    await page.getByRole("button", { name: "Take it" }).waitFor();
    await audit(page, "the camera");
  }, { bypassCSP: true });
  await visit(browser, locked, async function asksAccessibly(page) {
    await page.locator("#file").setInputFiles(join(pictures, "coffee.jpg"));
    await page.getByRole("dialog").waitFor();
    await audit(page, "the dialog for the key");
  }, { bypassCSP: true, excused: (words) => words.includes("status of 401") });

  await visit(browser, url, async function worksByKeyboard(page) {
    const focus = () => page.evaluate(() => document.activeElement.dataset.sample ?? document.activeElement.id);
    const tabTo = async (id) => {
      for (let presses = 0; (await focus()) !== id; presses++) {
        assert(presses < 30, `the tab key reaches ${id}`);
        await page.keyboard.press("Tab");
      }
    };
    await tabTo("coffee");
    await page.keyboard.press("Enter");
    await drawn(page);
    for (const id of ["split", "pad", "strength", "download", "more"]) await tabTo(id);
  });
}

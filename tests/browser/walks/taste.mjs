// Language, light and dark, a phone's width, motion.

import assert from "node:assert/strict";
import { join } from "node:path";
import { drawn, visit } from "../harness.mjs";

export async function taste(browser, { url, pictures }) {
  const paper = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const words = (page) => page.evaluate(() => document.body.innerText);

  await visit(browser, url, async function speaksChinese(page) {
    assert.match(await words(page), /选择照片/);
    assert.equal(await page.locator("html").getAttribute("lang"), "zh");
    await page.locator("#file").setInputFiles(join(pictures, "coffee.jpg"));
    await drawn(page);
    const seen = (await words(page)).replace(/Sakuga|English|HTTP|coffee\.jpg|C-\d|\bPNG|JPEG|WebP/g, "");
    assert.doesNotMatch(seen, /[A-Za-z]{3,}/, "no English is left over");
    await page.getByRole("button", { name: /Switch to English/ }).click();
    assert.match(await words(page), /Strength/);
    await page.reload();
    assert.match(await words(page), /Choose photos/, "the choice is kept");
  }, { locale: "zh-CN" });

  let light;
  await visit(browser, url, async function isLight(page) {
    light = await paper(page);
    await page.getByRole("button", { name: "Light or dark" }).click();
    assert.notEqual(await paper(page), light);
  }, { colorScheme: "light" });
  await visit(browser, url, async function isDark(page) {
    assert.notEqual(await paper(page), light);
  }, { colorScheme: "dark" });

  for (const width of [320, 390, 768, 1366, 2560]) {
    await visit(browser, url, async function fitsTheWindow(page) {
      const overflows = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(await overflows(), 0, `the start is no wider than ${width} px`);
      await page.locator("#file").setInputFiles([join(pictures, "astronaut.jpg"), join(pictures, "coffee.jpg")]);
      await drawn(page);
      assert.equal(await overflows(), 0, `the stage is no wider than ${width} px`);
      const box = await page.locator("#compare").boundingBox();
      assert(box.width >= 240 && box.x >= 0 && box.x + box.width <= width, `the picture is seen whole at ${width} px`);
    }, { viewport: { width, height: 900 } });
  }

  const moves = (page) => page.locator("#photo").evaluate(async () => {
    const split = () => document.getElementById("hero").style.getPropertyValue("--split");
    const before = split();
    await new Promise((resolve) => setTimeout(resolve, 300));
    return before !== split();
  });
  await visit(browser, url, async function restsIfAsked(page) {
    assert.equal(await moves(page), false);
  });
}

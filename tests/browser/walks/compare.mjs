// Before and after: the edge between them by keyboard, mouse and touch.

import assert from "node:assert/strict";
import { join } from "node:path";
import { drawn, visit } from "../harness.mjs";

export async function compare(browser, { url, pictures }) {
  const open = async (page) => {
    await page.locator("#file").setInputFiles(join(pictures, "coffee.jpg"));
    await drawn(page);
  };
  const split = (page) => page.getByRole("slider", { name: /photo is shown/ });
  const at = async (page) => Number(await split(page).inputValue());

  await visit(browser, url, async function slides(page) {
    await open(page);
    const clip = () => page.locator("#drawing").evaluate((image) => getComputedStyle(image).clipPath);
    const [value, clipped] = [await at(page), await clip()];
    await split(page).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    assert.equal(await at(page), value + 2, "the arrow keys move the edge");
    assert.notEqual(await clip(), clipped, "the picture follows");
    assert.match(await split(page).getAttribute("aria-valuetext"), /52 % photo/);
    await page.keyboard.press("Home");
    assert.equal(await at(page), 0);

    const box = await page.locator("#compare").boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
    assert(Math.abs((await at(page)) - 80) <= 2, "the mouse drags the edge");
  });

  await visit(browser, url, async function slidesByTouch(page) {
    await open(page);
    const box = await page.locator("#compare").boundingBox();
    const touch = await page.context().newCDPSession(page);
    const finger = (type, share) =>
      touch.send("Input.dispatchTouchEvent", {
        type,
        touchPoints: type === "touchEnd" ? [] : [{ x: box.x + box.width * share, y: box.y + box.height / 2 }],
      });
    await finger("touchStart", 0.5);
    for (const share of [0.45, 0.35, 0.25]) await finger("touchMove", share);
    await finger("touchEnd");
    assert(Math.abs((await at(page)) - 25) <= 3, `a finger drags the edge, to ${await at(page)}`);
  }, { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } });
}

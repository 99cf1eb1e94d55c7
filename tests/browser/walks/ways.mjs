// The photo's ways in: picked, dropped, pasted, a sample, the camera.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { drawn, drop, paste, visit } from "../harness.mjs";

export async function ways(browser, { url, pictures }) {
  const bytes = await readFile(join(pictures, "coffee.jpg"));
  const coffee = (name) => ({ name, type: "image/jpeg", bytes });
  const saved = (page) => page.locator("#download").getAttribute("download");

  await visit(browser, url, async function takesAPickedPhoto(page) {
    assert.equal(await page.locator("#work").isVisible(), false);
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Choose photos" }).click()]);
    assert(chooser.isMultiple(), "several may be picked");
    await chooser.setFiles(join(pictures, "coffee.jpg"));
    await drawn(page);
    assert.equal(await saved(page), "coffee-sakuga.jpg");
    assert.equal(await page.locator("#start").isVisible(), false);
  });
  await visit(browser, url, async function takesADroppedPhoto(page) {
    await drop(page, coffee("dropped.jpg"));
    await drawn(page);
    assert.equal(await saved(page), "dropped-sakuga.jpg");
  });
  await visit(browser, url, async function takesAPastedPhoto(page) {
    await paste(page, coffee("pasted.jpg"));
    await drawn(page);
    assert.equal(await saved(page), "pasted-sakuga.jpg");
  });
  await visit(browser, url, async function takesASample(page) {
    const samples = page.locator("#samples button");
    assert((await samples.count()) >= 3);
    const seen = await samples.locator("img").evaluateAll((images) => images.every((image) => image.naturalWidth > 100));
    assert(seen, "the samples are pictures");
    await page.getByRole("button", { name: "Sample: a cat" }).click();
    await drawn(page);
    assert.equal(await saved(page), "cat-sakuga.jpg");
  });
  await visit(browser, url, async function takesAPhotoFromTheCamera(page) {
    await page.getByRole("button", { name: "Take a photo" }).click();
    await page.waitForFunction(() => document.getElementById("viewfinder").videoWidth > 0);
    await page.getByRole("button", { name: "Take it" }).click();
    await drawn(page);
    assert.equal(await saved(page), "camera-sakuga.jpg");
    assert.equal(await page.evaluate(() => document.getElementById("viewfinder").srcObject), null, "the camera is let go");
  });
}

// The drawing's ways out: download in a format and size, copy, share.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { drawn, redrawn, visit } from "../harness.mjs";

export async function saving(browser, { url, pictures }) {
  const open = async (page) => {
    await page.locator("#file").setInputFiles(join(pictures, "coffee.jpg"));
    await drawn(page);
  };

  await visit(browser, url, async function downloads(page) {
    await open(page);
    const link = page.locator("#download");
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    assert.equal(download.suggestedFilename(), "coffee-sakuga.jpg");
    const bytes = await readFile(await download.path());
    assert.equal(bytes.subarray(0, 3).toString("hex"), "ffd8ff", "a JPEG");

    await page.getByText("File, size and quality").click();
    await redrawn(page, () => page.getByLabel("Format").selectOption("png"));
    assert.equal(await link.getAttribute("download"), "coffee-sakuga.png");
    assert(await page.getByLabel("Quality").isDisabled(), "PNG has no quality");

    // The model of the test draws up to 256 px.
    const width = () => page.locator("#drawing").evaluate((image) => image.naturalWidth);
    assert.equal(await width(), 256);
    await redrawn(page, () => page.getByLabel("Size", { exact: true }).selectOption("original"));
    assert.equal(await width(), 450, "as large as the photo");
  });

  await visit(browser, url, async function copies(page) {
    await open(page);
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByText("Copied.").waitFor();
    const size = await page.evaluate(async () => {
      const [item] = await navigator.clipboard.read();
      const bitmap = await createImageBitmap(await item.getType("image/png"));
      return [bitmap.width, bitmap.height];
    });
    assert.equal(size[0], 256);
  }, { permissions: ["clipboard-read", "clipboard-write"] });

  // The desktop's browser has nothing to share with: a phone's is staged.
  await visit(browser, url, async function shares(page) {
    await page.evaluate(() => {
      navigator.canShare = ({ files }) => files.length === 1;
      navigator.share = async ({ files }) => { window.shared = files[0].name; };
    });
    await open(page);
    await page.getByRole("button", { name: "Share" }).click();
    assert.equal(await page.evaluate(() => window.shared), "coffee-sakuga.jpg");
  });
}

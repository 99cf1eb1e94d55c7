// Several photos at once: each shows how it goes, can be looked at and removed.

import assert from "node:assert/strict";
import { join } from "node:path";
import { DRAWING, drawn, visit } from "../harness.mjs";

export async function several(browser, { url, pictures }) {
  await visit(browser, url, async function drawsSeveral(page) {
    // Held back, so that the waiting can be seen.
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    await page.route("**/v1/stylize", async (route) => {
      await held;
      await route.continue();
    });
    await page.locator("#file").setInputFiles(["astronaut.jpg", "coffee.jpg", "rgb.jpg"].map((name) => join(pictures, name)));
    const items = page.locator("#tray li");
    await items.nth(2).waitFor();
    await page.getByRole("button", { name: /Show rgb.jpg: waits/ }).waitFor();
    await page.getByRole("button", { name: /Show astronaut.jpg: (sending|drawing)/ }).waitFor();
    release();
    for (const name of ["astronaut", "coffee", "rgb"]) {
      await page.getByRole("button", { name: `Show ${name}.jpg: drawn` }).waitFor(DRAWING);
    }
    await page.getByRole("button", { name: "Show coffee.jpg" }).click();
    await drawn(page);
    assert.equal(await page.locator("#download").getAttribute("download"), "coffee-sakuga.jpg");

    const all = [];
    page.on("download", (download) => all.push(download.suggestedFilename()));
    await page.getByRole("button", { name: "Download all 3" }).click();
    await page.waitForEvent("download", { predicate: () => all.length === 3 });
    assert.deepEqual(all.sort(), ["astronaut-sakuga.jpg", "coffee-sakuga.jpg", "rgb-sakuga.jpg"]);

    for (const name of ["coffee", "rgb", "astronaut"]) {
      // The last one has no row to be removed from.
      if (await page.getByRole("button", { name: `Remove ${name}.jpg` }).isVisible()) {
        await page.getByRole("button", { name: `Remove ${name}.jpg` }).click();
      }
    }
    assert.equal(await items.count(), 1);
    assert.equal(await page.locator("#tray").isVisible(), false);
    assert.equal(await page.locator("#download").getAttribute("download"), "astronaut-sakuga.jpg");
  });
}

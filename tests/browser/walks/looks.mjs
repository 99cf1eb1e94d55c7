// Looks and the mixes between them, on the photo that is there already.

import assert from "node:assert/strict";
import { join } from "node:path";
import { compareWithPhoto, drawn, redrawn, visit } from "../harness.mjs";

export async function looks(browser, { url, pictures }) {
  await visit(browser, url, async function weighs(page) {
    const faults = await page.evaluate(async () => {
      const { corners, weightsAt, written } = await import("/page/mix.js");
      const faults = [];
      const holds = (truth, ...words) => truth || faults.push(words.join(" "));
      for (const count of [1, 2, 3, 4, 5, 7]) {
        const places = corners(count);
        places.forEach((place, at) => holds(weightsAt(places, place)[at] === 1, "alone in its corner:", at, "of", count));
        for (let x = -0.2; x < 1.3; x += 0.1) {
          for (let y = -0.2; y < 1.3; y += 0.1) {
            const weights = weightsAt(places, { x, y });
            const sum = weights.reduce((a, b) => a + b, 0);
            holds(Math.abs(sum - 1) < 1e-9 && weights.every((weight) => weight >= 0), "a share of 1:", weights);
          }
        }
        const middle = weightsAt(places, { x: 0.5, y: 0.5 });
        holds(Math.max(...middle) - Math.min(...middle) <= 0.2, "all alike in the middle:", middle);
      }
      holds(weightsAt(corners(4), { x: 0.25, y: 0 }).join() === "0.75,0.25,0,0", "two share a side");
      holds(written(["a", "b"], [0, 1]) === "b", "a look alone");
      holds(written(["a", "b", "c"], [0.7, 0, 0.3]) === "a:0.7,c:0.3", "a mix");
      return faults;
    });
    assert.deepEqual(faults, []);
  });

  await visit(browser, url, async function mixes(page) {
    await page.locator("#file").setInputFiles(join(pictures, "coffee.jpg"));
    await drawn(page);
    assert.deepEqual(await page.locator("#looks label").allInnerTexts(), ["Cel", "Gouache", "Luminous", "Ink"]);
    assert(await page.getByRole("radio", { name: "Cel" }).isChecked());

    // Thumbnails: the visitor's own photo, each look another.
    await page.locator("#looks canvas.painted").nth(3).waitFor();
    const inks = await page.locator("#looks canvas").evaluateAll((all) => all.map((canvas) => canvas.toDataURL()));
    assert.equal(new Set(inks).size, 4, "each look has a thumbnail of its own");

    const cel = await compareWithPhoto(page);
    await redrawn(page, () => page.getByRole("radio", { name: "Ink" }).check({ force: true }));
    const ink = await compareWithPhoto(page);
    assert(Math.abs(ink.difference - cel.difference) > 1, "another look is another picture");

    const pad = page.getByRole("slider", { name: /mix/i });
    const box = await pad.boundingBox();
    await redrawn(page, () => page.mouse.click(box.x + box.width / 2, box.y + 1));
    assert.equal(await page.locator("#mix-value").innerText(), "Cel 50\u00a0% · Gouache 50\u00a0%");
    assert.equal(await page.locator("#looks :checked").count(), 0, "a mix is none of the looks");

    await redrawn(page, async () => {
      await pad.focus();
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowDown");
    });
    assert.match(await pad.getAttribute("aria-valuetext"), /^Gouache 5\d.%, Cel 4\d.%, Luminous 5.%$/);

    // Weaker is nearer to the photo.
    const full = (await compareWithPhoto(page)).difference;
    await redrawn(page, () => page.getByRole("slider", { name: "Strength" }).fill("40"));
    assert((await compareWithPhoto(page)).difference < full);
  });
}

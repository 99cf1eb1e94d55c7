// A visitor draws a portrait with the model of the repository:
//   node drawing.mjs URL PICTURES
// Exits with 1 and says what was wrong, if anything was.

import assert from "node:assert/strict";
import { join } from "node:path";
import { compareWithPhoto, drawn, redrawn, start, visit } from "./harness.mjs";

const [url, pictures] = process.argv.slice(2);
assert(url && pictures, "usage: node drawing.mjs URL PICTURES");

async function drawsAPortrait(page) {
  await page.locator("#file").setInputFiles(join(pictures, "astronaut.jpg"));
  await drawn(page);
  const seen = await compareWithPhoto(page);
  assert(seen.width > 0 && seen.height > 0, "the photo is shown");
  assert.deepEqual([seen.drawnWidth, seen.drawnHeight], [seen.width, seen.height], "the drawing has the photo's size");
  assert(seen.difference > 2, `the drawing is the photo (mean difference ${seen.difference})`);
  assert(seen.difference < 100, `the drawing is not of the photo (mean difference ${seen.difference})`);
  assert(seen.spread > 10, `the drawing is blank (standard deviation ${seen.spread})`);

  // As many looks as the model's card has.
  const { models, default: name } = await (await fetch(`${url}/v1/models`)).json();
  const { styles } = models.find((card) => card.name === name);
  assert.equal(await page.locator("#looks label").count(), styles.length);

  await redrawn(page, () => page.getByRole("slider", { name: "Strength" }).fill("40"));
  const weak = (await compareWithPhoto(page)).difference;
  assert(weak < seen.difference * 0.8, `less strength is nearer to the photo (${weak} against ${seen.difference})`);
}

const browser = await start();
try {
  await visit(browser, url, drawsAPortrait);
  console.log("the page works");
} finally {
  await browser.close();
}

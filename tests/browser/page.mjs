// Walks through the web page as a visitor does, in a real browser:
//   node page.mjs URL PHOTO
// Exits with 1 and says what was wrong, if anything was.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { executablePath } from "./browser.mjs";

const [url, photo] = process.argv.slice(2);
assert(url && photo, "usage: node page.mjs URL PHOTO");
// A picture may take long on a small machine without optimisation.
const DRAWING = { timeout: 240_000 };

assert(executablePath, "Chromium is missing: `make test` installs it, or name a browser in SAKUGA_TEST_BROWSER");

const profile = await mkdtemp(join(tmpdir(), "sakuga-browser-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: false, // `--headless=new` below: the real browser, without a window.
  reducedMotion: "reduce",
  args: [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

try {
  const page = context.pages()[0] ?? (await context.newPage());
  const complaints = [];
  const elsewhere = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("request", (request) => {
    const from = new URL(request.url());
    if (from.origin !== new URL(url).origin && !["blob:", "data:"].includes(from.protocol)) {
      elsewhere.push(request.url());
    }
  });

  await loads(page);
  await drawsAPhoto(page);
  await slides(page);
  await drawsAgainWeaker(page);
  assert.deepEqual(complaints, [], "the browser complained");
  await refusesAText(page);
  // The browser itself notes the refused request, and nothing else.
  assert(
    complaints.every((words) => words.includes("status of 4")),
    `the browser complained: ${complaints}`,
  );
  await waitsForABusyService(page);
  await drawsADroppedPhoto(page);
  assert.deepEqual(elsewhere, [], "the page asked another place");
  console.log("the page works");
} finally {
  await context.close();
  await rm(profile, { recursive: true, force: true });
}

async function loads(page) {
  const answer = await page.goto(url);
  assert.equal(answer.status(), 200);
  await page.getByText("Choose a photo").waitFor();
  assert.equal(await page.locator("#stage").isVisible(), false);
}

async function drawsAPhoto(page) {
  await page.locator("#file").setInputFiles(photo);
  await page.locator("#compare.ready").waitFor(DRAWING);
  await page.locator("#compare:not(.busy)").waitFor();

  const seen = await compareWithPhoto(page);
  assert(seen.width > 0 && seen.height > 0, "the photo is shown");
  assert.deepEqual(
    [seen.drawnWidth, seen.drawnHeight],
    [seen.width, seen.height],
    "the drawing has the photo's size",
  );
  assert(seen.difference > 2, `the drawing is the photo (mean difference ${seen.difference})`);
  assert(seen.difference < 100, `the drawing is not of the photo (mean difference ${seen.difference})`);
  assert(seen.spread > 10, `the drawing is blank (standard deviation ${seen.spread})`);

  const link = page.locator("#download");
  assert.match(await link.getAttribute("download"), /-sakuga\.(jpg|png|webp)$/);
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  assert.equal(await download.failure(), null);
}

/** Sizes, and in levels of 255: the mean difference to the photo and the drawing's spread. */
function compareWithPhoto(page) {
  return page.evaluate(() => {
    const pixels = (id) => {
      const image = document.getElementById(id);
      const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
      const pen = canvas.getContext("2d");
      pen.drawImage(image, 0, 0);
      return pen.getImageData(0, 0, canvas.width, canvas.height);
    };
    const photo = pixels("photo");
    const drawing = pixels("drawing");
    let difference = 0, sum = 0, squares = 0;
    const count = drawing.data.length;
    for (let i = 0; i < count; i++) {
      difference += Math.abs(photo.data[i] - drawing.data[i]);
    }
    for (let i = 0; i < count; i += 4) {
      sum += drawing.data[i];
      squares += drawing.data[i] ** 2;
    }
    const mean = sum / (count / 4);
    return {
      width: photo.width,
      height: photo.height,
      drawnWidth: drawing.width,
      drawnHeight: drawing.height,
      difference: difference / count,
      spread: Math.sqrt(squares / (count / 4) - mean ** 2),
    };
  });
}

async function slides(page) {
  const clip = () => page.locator("#drawing").evaluate((image) => getComputedStyle(image).clipPath);
  const split = page.getByRole("slider", { name: /photo is shown/ });
  const before = [await split.inputValue(), await clip()];
  await split.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.equal(Number(await split.inputValue()), Number(before[0]) + 2, "the arrow keys move the slider");
  assert.notEqual(await clip(), before[1], "the picture follows the slider");
  await page.keyboard.press("Home");
  assert.equal(await split.inputValue(), "0");

  const box = await page.locator("#compare").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.8, box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  assert(Math.abs(Number(await split.inputValue()) - 80) <= 2, "the mouse drags the slider");
}

async function drawsAgainWeaker(page) {
  const full = (await compareWithPhoto(page)).difference;
  const source = await page.locator("#drawing").getAttribute("src");
  const strength = page.getByRole("slider", { name: "Strength" });
  await strength.fill("40");
  await page.waitForFunction(
    (old) => document.getElementById("drawing").src !== old,
    source,
    DRAWING,
  );
  await page.locator("#compare:not(.busy)").waitFor();
  const weak = (await compareWithPhoto(page)).difference;
  assert(weak < full * 0.8, `less strength is nearer to the photo (${weak} against ${full})`);
}

async function refusesAText(page) {
  await drop(page, "notes.txt", "text/plain", Buffer.from("no picture at all\n".repeat(40)));
  const error = page.getByRole("alert");
  await error.waitFor();
  const words = await error.innerText();
  assert.match(words, /JPEG[^]*\.$/, "a sentence that names what is read");
  assert(words.length > 20 && !/undefined|\{|\[object/.test(words), `clear words, not: ${words}`);
  assert.equal(await page.locator("#stage").isVisible(), false);
  await page.getByText("Choose a photo").waitFor();
}

/** One busy answer is staged; the next request reaches the service. */
async function waitsForABusyService(page) {
  let refused = 0;
  await page.route("**/v1/stylize", (route) => {
    refused += 1;
    return route.fulfill({ status: 429, headers: { "Retry-After": "1" }, body: "" });
  }, { times: 1 });
  await page.locator("#file").setInputFiles(photo);
  await page.getByText("The service is busy").waitFor();
  await page.locator("#compare.ready").waitFor(DRAWING);
  assert.equal(refused, 1);
}

async function drawsADroppedPhoto(page) {
  const source = await page.locator("#drawing").getAttribute("src");
  await drop(page, "dropped.jpg", "image/jpeg", await readFile(photo));
  await page.waitForFunction(
    (old) => {
      const { src } = document.getElementById("drawing");
      return src && src !== old && document.getElementById("compare").classList.contains("ready");
    },
    source,
    DRAWING,
  );
  assert.equal(await page.locator("#download").getAttribute("download"), "dropped-sakuga.jpg");
}

/** Drops a file on the page, as the desktop would. */
async function drop(page, name, type, bytes) {
  const transfer = await page.evaluateHandle(
    ([name, type, base64]) => {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], name, { type }));
      return transfer;
    },
    [name, type, bytes.toString("base64")],
  );
  for (const event of ["dragenter", "dragover", "drop"]) {
    await page.dispatchEvent("main", event, { dataTransfer: transfer });
  }
}

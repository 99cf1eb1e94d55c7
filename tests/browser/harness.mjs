// A real browser, and what the walks have in common.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { executablePath } from "./browser.mjs";

/** A picture may take long on a small machine without optimisation. */
export const DRAWING = { timeout: 240_000 };

assert(executablePath, "Chromium is missing: `make test` installs it, or name a browser in SAKUGA_TEST_BROWSER");

/** Starts the browser; its camera is a moving test picture. */
export const start = () =>
  chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
    ],
  });

/**
 * One visitor: opens the page, walks, and leaves. What the browser complained
 * of, and what it asked other places for, fails the walk; `excused(words)` lets
 * complaints pass that the walk is about.
 */
export async function visit(browser, url, walk, { excused = () => false, ...options } = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const complaints = [];
  const elsewhere = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("request", (request) => {
    const from = new URL(request.url());
    if (from.origin !== new URL(url).origin && !["blob:", "data:"].includes(from.protocol)) elsewhere.push(request.url());
  });
  try {
    const answer = await page.goto(url);
    assert.equal(answer.status(), 200);
    await walk(page);
    assert.deepEqual(complaints.filter((words) => !excused(words)), [], "the browser complained");
    assert.deepEqual(elsewhere, [], "the page asked another place");
  } catch (error) {
    throw new Error(`${walk.name} failed`, { cause: error });
  } finally {
    await context.close();
  }
}

/** Until the photo on the stage is drawn as the controls say. */
export async function drawn(page) {
  await page.locator("#compare.ready:not(.busy)").waitFor(DRAWING);
}

/** Does something that asks for another drawing, and waits for that. */
export async function redrawn(page, change) {
  const source = await page.locator("#drawing").getAttribute("src");
  await change();
  await page.waitForFunction((old) => document.getElementById("drawing").src !== old, source, DRAWING);
  await drawn(page);
}

/** Files as a page sees them: `{name, type, bytes}`. */
async function transferOf(page, files) {
  const sent = files.map(({ name, type, bytes }) => ({ name, type, base64: bytes.toString("base64") }));
  return page.evaluateHandle((files) => {
    const transfer = new DataTransfer();
    for (const { name, type, base64 } of files) {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type }));
    }
    return transfer;
  }, sent);
}

/** Drops files on the page, as the desktop would. */
export async function drop(page, ...files) {
  const dataTransfer = await transferOf(page, files);
  for (const event of ["dragenter", "dragover", "drop"]) await page.dispatchEvent("main", event, { dataTransfer });
}

/** Pastes files, as the clipboard would. */
export async function paste(page, ...files) {
  const clipboardData = await transferOf(page, files);
  await page.evaluate((data) => document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true })), clipboardData);
}

/** Sizes, and in levels of 255: the mean difference to the photo and the drawing's spread. */
export function compareWithPhoto(page) {
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
    for (let i = 0; i < count; i++) difference += Math.abs(photo.data[i] - drawing.data[i]);
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

/** A photo of noise, which no format makes small. */
export async function noise(page, width, height) {
  const base64 = await page.evaluate(async ([width, height]) => {
    const canvas = new OffscreenCanvas(width, height);
    const pen = canvas.getContext("2d");
    const pixels = pen.createImageData(width, height);
    let state = 1;
    for (let i = 0; i < pixels.data.length; i++) {
      state = (state * 48271) % 2147483647;
      pixels.data[i] = i % 4 === 3 ? 255 : state & 255;
    }
    pen.putImageData(pixels, 0, 0);
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 })).arrayBuffer());
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text);
  }, [width, height]);
  return { name: "noise.jpg", type: "image/jpeg", bytes: Buffer.from(base64, "base64") };
}

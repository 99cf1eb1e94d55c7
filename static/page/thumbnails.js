// The visitor's own photo in every look, small: one request for all of them.

import { sheet } from "./service.js";
import { shrink } from "./shrink.js";

/** Pixels of a thumbnail's longest side. */
const SIDE = 192;
/** Pixels around each cell of a sheet. */
const GAP = 8;

/** @type {WeakMap<object, Promise<Map<string, ImageBitmap>>>} */
const drawn = new WeakMap();

/** A picture for each style, by its name; drawn once a photo. */
export function thumbnails(frame, model) {
  if (!drawn.has(frame)) {
    const coming = draw(frame, model);
    // What failed may be asked for again.
    coming.catch(() => drawn.delete(frame));
    drawn.set(frame, coming);
  }
  return drawn.get(frame);
}

async function draw(frame, model) {
  const photo = await shrink(frame.file, SIDE);
  const { picture, styles } = await sheet(photo ?? frame.file, { max_side: String(SIDE), format: "png", ...(model && { model }) });
  const whole = await createImageBitmap(picture);
  const columns = Math.ceil(Math.sqrt(styles.length + 1));
  const rows = Math.ceil((styles.length + 1) / columns);
  const width = (whole.width - GAP) / columns - GAP;
  const height = (whole.height - GAP) / rows - GAP;
  const cells = styles.map(async (style, at) => {
    // The photo itself comes first.
    const [column, row] = [(at + 1) % columns, Math.floor((at + 1) / columns)];
    const cell = createImageBitmap(whole, GAP + column * (width + GAP), GAP + row * (height + GAP), width, height);
    return [style, await cell];
  });
  return new Map(await Promise.all(cells));
}

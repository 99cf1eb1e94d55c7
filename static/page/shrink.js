// Photos made smaller in the browser: what the network would not look at
// anyway needs no sending.

/** JPEG and WebP, 0..1: higher than any eye asks for, as it is not the last time. */
const QUALITY = 0.95;
const KEPT_TYPES = ["image/jpeg", "image/png", "image/webp"];

/** The pixels of a file, upright; null where this browser cannot read it. */
export function pixels(file) {
  return createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
}

/** A file no longer than `side` on its longest side; the file itself if it is that already. */
export async function shrink(file, side) {
  const bitmap = await pixels(file);
  if (!bitmap) return file;
  const scale = side / Math.max(bitmap.width, bitmap.height);
  if (scale >= 1 && KEPT_TYPES.includes(file.type)) {
    bitmap.close();
    return file;
  }
  const type = KEPT_TYPES.includes(file.type) ? file.type : "image/png";
  return scaled(bitmap, Math.min(scale, 1), type, file.name);
}

/** What Safari can read and the service cannot (HEIC) as a JPEG; null elsewhere. */
export async function readable(file) {
  const bitmap = await pixels(file);
  return bitmap && scaled(bitmap, 1, "image/jpeg", file.name);
}

async function scaled(bitmap, scale, type, name) {
  const width = Math.max(Math.round(bitmap.width * scale), 1);
  const height = Math.max(Math.round(bitmap.height * scale), 1);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
  // A browser that cannot write the type writes PNG, and says so.
  return blob && new File([blob], name, { type: blob.type });
}

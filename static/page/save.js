// The drawing's ways out: download, copy, share.

import { say } from "./words.js";

const $ = (id) => document.getElementById(id);
const EXTENSIONS = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp" };
/** Milliseconds between two downloads, which browsers take for one otherwise. */
const BETWEEN = 250;

const canShare = (file) => Boolean(navigator.canShare?.({ files: [file] }));

function nameOf({ file, drawing }) {
  const name = file.name.replace(/\.[^.]*$/, "") || "photo";
  return `${name}-sakuga.${EXTENSIONS[drawing.blob.type] ?? "png"}`;
}

const fileOf = (frame) => new File([frame.drawing.blob], nameOf(frame), { type: frame.drawing.blob.type });

export function startSave(album) {
  const drawn = () => album.frames.filter((frame) => frame.drawing);

  const show = () => {
    const frame = album.current;
    const ready = Boolean(frame?.drawing);
    const link = $("download");
    link.toggleAttribute("aria-disabled", false);
    if (ready) {
      link.href = frame.drawing.url;
      link.download = nameOf(frame);
    } else {
      link.removeAttribute("href");
      link.setAttribute("aria-disabled", "true");
    }
    $("copy").disabled = !ready;
    $("copy").hidden = !navigator.clipboard?.write;
    $("share").disabled = !ready;
    $("share").hidden = ready ? !canShare(fileOf(frame)) : !navigator.canShare;
    $("download-all").hidden = drawn().length < 2;
    $("download-all").textContent = say("download-all", { count: drawn().length });
  };

  const tell = (name) => {
    $("saved").textContent = say(name);
  };

  $("download").addEventListener("click", (event) => {
    if (!event.currentTarget.hasAttribute("href")) event.preventDefault();
  });
  $("download-all").addEventListener("click", async () => {
    for (const frame of drawn()) {
      Object.assign(document.createElement("a"), { href: frame.drawing.url, download: nameOf(frame) }).click();
      await new Promise((resolve) => setTimeout(resolve, BETWEEN));
    }
  });
  $("copy").addEventListener("click", async () => {
    try {
      // Given as a promise: Safari forgets the click while a picture is converted.
      await navigator.clipboard.write([new ClipboardItem({ "image/png": png(album.current.drawing.blob) })]);
      tell("copied");
    } catch (error) {
      console.info(error);
      tell("copy-failed");
    }
  });
  $("share").addEventListener("click", async () => {
    try {
      await navigator.share({ files: [fileOf(album.current)] });
    } catch (error) {
      if (error.name !== "AbortError") tell("share-failed");
    }
  });

  album.addEventListener("change", () => {
    if ($("saved").textContent) $("saved").textContent = "";
    show();
  });
  document.addEventListener("words", show);
}

/** Clipboards take PNG. */
async function png(blob) {
  if (blob.type === "image/png") return blob;
  const bitmap = await createImageBitmap(blob);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  return new Promise((resolve, reject) =>
    canvas.toBlob((made) => (made ? resolve(made) : reject(new Error("no PNG could be made"))), "image/png"),
  );
}

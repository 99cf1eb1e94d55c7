// All photos in a row, with how each of them goes.

import { say } from "./words.js";

const ROUND = 100;

export function startTray(album) {
  const tray = document.getElementById("tray");
  /** @type {Map<object, HTMLLIElement>} */
  const items = new Map();

  const show = () => {
    for (const [frame, item] of items) {
      if (frame.removed) {
        item.remove();
        items.delete(frame);
      }
    }
    for (const frame of album.frames) {
      if (!items.has(frame)) {
        items.set(frame, itemOf(frame));
        tray.append(items.get(frame));
      }
      tell(frame, items.get(frame));
    }
    tray.hidden = album.frames.length < 2;
  };

  const itemOf = (frame) => {
    const item = document.createElement("li");
    const open = Object.assign(document.createElement("button"), { type: "button", className: "open" });
    const image = Object.assign(document.createElement("img"), { alt: "" });
    if (frame.shown) image.src = frame.url;
    const bar = Object.assign(document.createElement("span"), { className: "bar" });
    open.append(image, bar);
    open.addEventListener("click", () => album.select(frame));
    const remove = Object.assign(document.createElement("button"), { type: "button", className: "remove" });
    remove.append("×");
    remove.addEventListener("click", () => album.remove(frame));
    item.append(open, remove);
    return item;
  };

  const tell = (frame, item) => {
    const [open, remove] = item.children;
    item.dataset.state = frame.state;
    open.setAttribute("aria-current", String(frame === album.current));
    open.setAttribute("aria-label", say("show", { name: frame.file.name, state: say(`state-${frame.state}`, frame.parts) }));
    remove.setAttribute("aria-label", say("remove", { name: frame.file.name }));
    const image = open.querySelector("img");
    if (frame.drawing && image.src !== frame.drawing.url) image.src = frame.drawing.url;
    const sent = frame.state === "done" ? ROUND : frame.state === "sending" ? frame.parts.percent * 0.5 : 60;
    open.style.setProperty("--done", `${sent}%`);
  };

  album.addEventListener("change", show);
  document.addEventListener("words", show);
}

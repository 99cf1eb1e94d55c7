// The looks as chips with the visitor's photo in each, and the pad between them.

import { corners, inside, weightsAt } from "./mix.js";
import { thumbnails } from "./thumbnails.js";
import { say, styleName } from "./words.js";

const $ = (id) => document.getElementById(id);
/** How far an arrow key moves the knob, in parts of the pad. */
const STEP = 0.05;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function startLooks(album, settings) {
  let places = [];
  let knob = { x: 0, y: 0 };
  let shown = null;

  /** Chips and corners for the styles that the model has. */
  const build = () => {
    places = corners(settings.styles.length);
    knob = places[0] ?? knob;
    $("looks-field").hidden = settings.styles.length === 0;
    $("mix-field").hidden = settings.styles.length < 2;
    $("pad").classList.toggle("line", settings.styles.length === 2);
    $("looks").replaceChildren(...settings.styles.map(chip));
    $("pad").replaceChildren(...settings.styles.map(corner), $("knob"));
    tell();
  };

  const chip = (style, at) => {
    const label = document.createElement("label");
    label.className = "look";
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "look", value: style, className: "unseen" });
    radio.addEventListener("change", () => move(places[at]));
    label.append(radio, canvasOf(style), nameOf(style));
    return label;
  };

  const corner = (style, at) => {
    const spot = document.createElement("div");
    spot.className = "corner";
    spot.style.setProperty("--x", `${places[at].x * 100}%`);
    spot.style.setProperty("--y", `${places[at].y * 100}%`);
    const name = nameOf(style);
    name.classList.toggle("end", places[at].x > 0.5);
    name.classList.toggle("middle", places[at].x === 0.5);
    name.classList.toggle("low", places[at].y > 0.5);
    spot.append(canvasOf(style), name);
    return spot;
  };

  const move = (point) => {
    knob = inside(places, point);
    settings.set({ weights: weightsAt(places, knob) });
    tell();
  };

  /** The weights in words, the chosen chip, the knob's place. */
  const tell = () => {
    const { styles, weights } = settings;
    const parts = styles.map((style, at) => [styleName(style), weights[at]]).filter(([, weight]) => weight > 0);
    const words = parts.sort((a, b) => b[1] - a[1]).map(([name, weight]) => `${name} ${Math.round(weight * 100)}\u00a0%`);
    $("mix-value").textContent = words.join(" · ");
    $("pad").setAttribute("aria-valuetext", words.join(", "));
    $("pad").setAttribute("aria-valuenow", String(Math.round(Math.max(...weights, 0) * 100)));
    $("pad").setAttribute("aria-roledescription", say("mix-role"));
    $("knob").style.setProperty("--x", `${knob.x * 100}%`);
    $("knob").style.setProperty("--y", `${knob.y * 100}%`);
    for (const radio of $("looks").querySelectorAll("input")) radio.checked = weights[styles.indexOf(radio.value)] === 1;
    for (const name of document.querySelectorAll("[data-style]")) name.textContent = styleName(name.dataset.style);
  };

  /** The photo on the stage in every look, once it is drawn itself. */
  const paint = async () => {
    const frame = album.current;
    if (!frame?.drawing || !frame.shown || shown === frame) return;
    shown = frame;
    const pictures = await thumbnails(frame, settings.model).catch((error) => {
      // The chips stay plain; the drawing itself tells of a service that fails.
      console.info(error);
      return new Map();
    });
    if (shown !== frame) return;
    for (const canvas of document.querySelectorAll("canvas[data-look]")) cover(canvas, pictures.get(canvas.dataset.look));
  };

  const at = (event) => {
    const { left, top, width, height } = $("pad").getBoundingClientRect();
    move({ x: (event.clientX - left) / width, y: (event.clientY - top) / height });
  };
  $("pad").addEventListener("pointerdown", (event) => {
    $("pad").setPointerCapture(event.pointerId);
    at(event);
  });
  $("pad").addEventListener("pointermove", (event) => {
    if ($("pad").hasPointerCapture(event.pointerId)) at(event);
  });
  $("pad").addEventListener("keydown", (event) => {
    const way = KEYS[event.key];
    if (!way) return;
    event.preventDefault();
    move({ x: knob.x + way[0] * STEP, y: knob.y + way[1] * STEP });
  });
  album.addEventListener("change", paint);
  document.addEventListener("words", tell);
  build();
}

function nameOf(style) {
  const name = document.createElement("span");
  name.dataset.style = style;
  return name;
}

function canvasOf(style) {
  const canvas = document.createElement("canvas");
  canvas.dataset.look = style;
  [canvas.width, canvas.height] = [192, 192];
  return canvas;
}

/** The middle of a picture, on all of the canvas. */
function cover(canvas, picture) {
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  canvas.classList.toggle("painted", Boolean(picture));
  if (!picture) return;
  const scale = Math.max(canvas.width / picture.width, canvas.height / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  pen.drawImage(picture, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
}

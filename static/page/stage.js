// The photo on the stage with its drawing, and how the drawing goes.

import { Slider } from "./slider.js";
import { say } from "./words.js";

const $ = (id) => document.getElementById(id);
/** Milliseconds after which a drawing counts as slow. */
const PATIENCE = 10_000;
/** What stands above all photos. @type {import("./problem.js").Problem | null} */
let notice = null;
const BUSY = ["waiting", "sending", "drawing", "busy"];

export function startStage(album, studio) {
  const slider = new Slider($("compare"), $("split"));
  let shown = { frame: null, url: null };

  const show = () => {
    const frame = album.current;
    view(frame);
    if (!frame) return;
    if (shown.frame !== frame) place(frame);
    if (frame.drawing && shown.url !== frame.drawing.url) draw(frame);
    tell(frame);
    shown = { frame, url: frame.drawing?.url ?? null };
  };

  /** The start or the stage, and the focus with it. */
  const view = (frame) => {
    const next = frame ? "work" : "start";
    $("start").hidden = next !== "start";
    $("work").hidden = next !== "work";
    if (document.body.dataset.view === next) return;
    document.body.dataset.view = next;
    if (frame) $("work").focus({ preventScroll: true });
    scrollTo({ top: 0 });
    if (!frame) shown = { frame: null, url: null };
  };

  const place = (frame) => {
    if (frame.shown) $("photo").src = frame.url;
    else $("photo").removeAttribute("src");
    $("drawing").hidden = true;
    $("compare").classList.remove("ready");
    $("compare").classList.toggle("alone", !frame.shown);
    setSize(frame.width, frame.height);
    $("split").disabled = true;
    shown.url = null;
  };

  const draw = (frame) => {
    const first = !$("compare").classList.contains("ready");
    $("drawing").src = frame.drawing.url;
    $("drawing").hidden = false;
    $("compare").classList.add("ready");
    $("split").disabled = !frame.shown;
    if (!frame.shown) setSize(frame.drawing.width, frame.drawing.height);
    if (first) slider.reveal();
  };

  const tell = (frame) => {
    const busy = BUSY.includes(frame.state);
    $("compare").classList.toggle("busy", busy);
    $("compare").setAttribute("aria-busy", String(busy));
    $("stop").hidden = !busy;
    $("cut").textContent = `C-${album.frames.indexOf(frame) + 1}`;
    const slow = frame.state === "drawing" && performance.now() - frame.since > PATIENCE;
    const { width, height, seconds } = frame.drawing ?? {};
    const parts = frame.state === "done" ? { width, height, seconds: seconds?.toFixed(1) } : frame.parts;
    const words = frame.state === "failed" ? "" : say(`status-${slow ? "slow" : frame.state}`, parts);
    if ($("status").textContent !== words) $("status").textContent = words;
    complain(frame.problem ?? notice);
  };

  album.addEventListener("change", show);
  document.addEventListener("words", show);
  setInterval(() => album.current && tell(album.current), 1000);
  $("stop").addEventListener("click", () => studio.stop(album.current));
  $("again").addEventListener("click", () => album.current && studio.again(album.current));
}

function setSize(width, height) {
  $("compare").style.setProperty("--aspect", width / height);
  $("compare").style.setProperty("--natural", `${width}px`);
}

/** Shows a problem that is no photo's own, until the next photos come (`null`). */
export function notify(problem) {
  notice = problem;
  complain(problem);
}

function complain(problem) {
  $("error").hidden = !problem;
  if (!problem) return;
  // Written only when it changes: an alert that is written again is read again.
  if ($("error-title").textContent !== problem.title) $("error-title").textContent = problem.title;
  if ($("error-detail").textContent !== problem.detail) $("error-detail").textContent = problem.detail;
  $("again").hidden = !problem.mayPass;
}

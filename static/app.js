// One photo at a time: picked, dropped or pasted, sent to the service, and the
// drawing laid under it with a slider between the two.

const $ = (id) => document.getElementById(id);
const compare = $("compare");
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Waits for a busy service at most this often. */
const MOST_TRIES = 8;
/** What the answer's file is called. */
const EXTENSIONS = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp" };

/** @type {File | null} */
let file = null;
/** Stops the request in flight, if there is one. @type {AbortController | null} */
let request = null;
let strengthTimer = 0;
let revealFrame = 0;

/** An error with a heading, words on what to do, and whether trying again may help. */
class Problem extends Error {
  constructor(title, detail, mayPass = false) {
    super(detail);
    this.title = title;
    this.mayPass = mayPass;
  }
}

// --- The photo's ways in -----------------------------------------------------

$("file").addEventListener("change", (event) => {
  const picked = event.target.files[0];
  // Cleared, so that picking the same photo again counts as a change.
  if (picked) open(picked);
  event.target.value = "";
});

document.addEventListener("paste", (event) => {
  const pasted = event.clipboardData?.files[0];
  if (!pasted) return;
  event.preventDefault();
  open(pasted);
});

let dragDepth = 0;
const drags = (event) => event.dataTransfer?.types.includes("Files");
const setDragging = (on) => document.body.classList.toggle("dragging", on);
document.addEventListener("dragenter", (event) => {
  if (drags(event)) setDragging(++dragDepth > 0);
});
document.addEventListener("dragleave", (event) => {
  if (drags(event)) setDragging(--dragDepth > 0);
});
// Without this the browser would leave the page to show the file.
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  dragDepth = 0;
  setDragging(false);
  const dropped = event.dataTransfer?.files[0];
  if (dropped) open(dropped);
  else if (event.dataTransfer?.types.length) {
    showProblem(new Problem("That was not a photo.", "Save the picture first, then drop its file here."));
  }
});

async function open(picked) {
  stop();
  forget();
  file = picked;
  if (/^image\/hei[cf]/.test(picked.type) || /\.hei[cf]$/i.test(picked.name)) {
    close();
    showProblem(new Problem(
      "HEIC photos cannot be read.",
      "Save it as a JPEG first. On an iPhone, Settings › Camera › Formats › Most Compatible takes JPEGs from now on.",
    ));
    return;
  }
  const photo = $("photo");
  photo.src = URL.createObjectURL(picked);
  const seen = await photo.decode().then(() => true, () => false);
  if (file !== picked) return;
  // The service may read what this browser cannot show.
  compare.classList.toggle("alone", !seen);
  if (seen) setSize(photo.naturalWidth, photo.naturalHeight);
  draw();
}

// --- The drawing -------------------------------------------------------------

async function draw() {
  stop();
  hideProblem();
  const mine = new AbortController();
  request = mine;
  setBusy(true);
  say("Drawing…");
  const patience = setTimeout(() => say("Still drawing. Large photos take a while…"), 10_000);
  const start = performance.now();
  try {
    const answer = await stylize(mine.signal);
    const picture = await answer.blob();
    await show(picture, mine.signal);
    const { naturalWidth: width, naturalHeight: height } = $("drawing");
    const seconds = (performance.now() - start) / 1000;
    say(`Drawn in ${seconds.toFixed(1)} s, ${width} × ${height} pixels.`);
  } catch (error) {
    if (mine.signal.aborted) return;
    say("");
    if (!compare.classList.contains("ready")) close();
    showProblem(error instanceof Problem ? error : unreachable(error));
  } finally {
    clearTimeout(patience);
    if (request === mine) {
      request = null;
      setBusy(false);
    }
  }
}

/** Posts the photo; waits and tries again where the service says that it is busy. */
async function stylize(signal) {
  for (let tries = 1; ; tries++) {
    const form = new FormData();
    form.append("strength", String($("strength").value / 100));
    form.append("image", file);
    const answer = await fetch("/v1/stylize", { method: "POST", body: form, signal });
    if (answer.ok) return answer;
    const busy = answer.status === 429 || answer.status === 503;
    if (!busy || tries === MOST_TRIES) throw await problemOf(answer, busy);
    await wait(Number(answer.headers.get("Retry-After")), signal);
    say("Drawing…");
  }
}

/** Counts down the seconds; a signal cuts them short. */
async function wait(seconds, signal) {
  for (let left = Math.min(Math.max(Math.ceil(seconds) || 2, 1), 60); left > 0; left--) {
    say(`The service is busy. Trying again in ${left} s…`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    signal.throwIfAborted();
  }
}

/** RFC 9457's problem+json in our words; anything else by its status. */
async function problemOf(answer, mayPass) {
  const told = answer.headers.get("Content-Type")?.includes("json")
    ? await answer.json().catch(() => ({}))
    : {};
  return new Problem(
    sentence(told.title || "The photo could not be drawn"),
    sentence(told.detail || `The service answered with status ${answer.status}`),
    mayPass || answer.status >= 500,
  );
}

function sentence(words) {
  return words[0].toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".");
}

function unreachable(error) {
  console.warn(error);
  // A refused upload can look like a broken line: the likeliest cause goes first.
  const large = file.size > 10e6 ? "The photo may be too large for it: try a smaller one. " : "";
  return new Problem(
    "The service did not answer.",
    `${large}See that it is running and that you are connected, then try again.`,
    true,
  );
}

async function show(picture, signal) {
  const drawing = $("drawing");
  const first = !compare.classList.contains("ready");
  const next = new Image();
  next.src = URL.createObjectURL(picture);
  await next.decode();
  if (signal.aborted) return URL.revokeObjectURL(next.src);

  URL.revokeObjectURL(drawing.src);
  drawing.src = next.src;
  await drawing.decode();
  drawing.hidden = false;
  if (compare.classList.contains("alone")) setSize(drawing.naturalWidth, drawing.naturalHeight);
  compare.classList.add("ready");

  const link = $("download");
  const name = file.name.replace(/\.[^.]*$/, "") || "photo";
  link.href = drawing.src;
  link.download = `${name}-sakuga.${EXTENSIONS[picture.type] ?? "png"}`;
  link.removeAttribute("aria-disabled");
  if (first) reveal();
}

/** Stops what is in flight. */
function stop() {
  request?.abort();
  request = null;
  clearTimeout(strengthTimer);
}

// --- The slider --------------------------------------------------------------

/** `share` of the photo is shown, from the left, in percent. */
function setSplit(share) {
  const percent = Math.min(Math.max(share, 0), 100);
  $("split").value = percent;
  $("split").setAttribute("aria-valuetext", `${Math.round(percent)} % photo`);
  compare.style.setProperty("--split", `${percent}%`);
  compare.classList.toggle("all-drawing", percent < 12);
  compare.classList.toggle("all-photo", percent > 88);
}

/** Sweeps from the photo to the middle. */
function reveal() {
  cancelAnimationFrame(revealFrame);
  if (still.matches) return setSplit(50);
  const start = performance.now();
  const step = (now) => {
    const t = Math.min((now - start) / 1100, 1);
    setSplit(50 + 50 * (1 - t) ** 3);
    if (t < 1) revealFrame = requestAnimationFrame(step);
  };
  setSplit(100);
  revealFrame = requestAnimationFrame(step);
}

function splitAt(event) {
  cancelAnimationFrame(revealFrame);
  const { left, width } = compare.getBoundingClientRect();
  setSplit(((event.clientX - left) / width) * 100);
}

compare.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !compare.classList.contains("ready")) return;
  compare.setPointerCapture(event.pointerId);
  splitAt(event);
});
compare.addEventListener("pointermove", (event) => {
  if (compare.hasPointerCapture(event.pointerId)) splitAt(event);
});
// The keyboard goes on where the pointer left off.
compare.addEventListener("click", () => $("split").focus({ preventScroll: true }));
compare.addEventListener("dragstart", (event) => event.preventDefault());
$("split").addEventListener("input", () => {
  cancelAnimationFrame(revealFrame);
  setSplit($("split").valueAsNumber);
});

// --- The controls ------------------------------------------------------------

$("controls").addEventListener("submit", (event) => event.preventDefault());
$("strength").addEventListener("input", () => {
  $("strength-value").value = `${$("strength").value} %`;
});
$("strength").addEventListener("change", () => {
  // Arrow keys come in bursts: only the last one is drawn.
  clearTimeout(strengthTimer);
  strengthTimer = setTimeout(draw, 300);
});
$("other").addEventListener("click", () => $("file").click());
$("again").addEventListener("click", draw);
$("download").addEventListener("click", (event) => {
  if (!event.currentTarget.hasAttribute("href")) event.preventDefault();
});
$("stop").addEventListener("click", () => {
  stop();
  setBusy(false);
  say("Stopped.");
  if (!compare.classList.contains("ready")) close();
});

// --- What is seen ------------------------------------------------------------

function setBusy(busy) {
  if (busy && $("stage").hidden) {
    $("start").hidden = true;
    $("stage").hidden = false;
    // The field that had the focus is gone.
    $("stage").focus({ preventScroll: true });
  }
  compare.classList.toggle("busy", busy);
  compare.setAttribute("aria-busy", String(busy));
  $("split").disabled = !compare.classList.contains("ready");
  $("stop").hidden = !busy;
}

function setSize(width, height) {
  compare.style.setProperty("--aspect", String(width / height));
  compare.style.setProperty("--natural", `${width}px`);
}

/** Drops the last photo and its drawing. */
function forget() {
  cancelAnimationFrame(revealFrame);
  for (const image of [$("photo"), $("drawing")]) {
    URL.revokeObjectURL(image.src);
    image.removeAttribute("src");
  }
  $("drawing").hidden = true;
  compare.classList.remove("ready", "alone");
  const link = $("download");
  link.removeAttribute("href");
  link.setAttribute("aria-disabled", "true");
  hideProblem();
}

/** Back to the start. */
function close() {
  $("stage").hidden = true;
  $("start").hidden = false;
}

function say(words) {
  $("status").textContent = words;
}

function showProblem(problem) {
  $("error-title").textContent = problem.title;
  $("error-detail").textContent = problem.message;
  $("again").hidden = !problem.mayPass;
  $("error").hidden = false;
  $("error").scrollIntoView({ block: "nearest" });
}

function hideProblem() {
  $("error").hidden = true;
}

// The page: an album of photos, settings how to draw, a studio that draws, and
// the views of them. Photos go in at the top, pictures come out at the bottom.

import { Album } from "./album.js";
import { startCamera } from "./camera.js";
import { startControls } from "./controls.js";
import { startEntry } from "./entry.js";
import { startLooks } from "./looks.js";
import { startSave } from "./save.js";
import { models } from "./service.js";
import { Settings } from "./settings.js";
import { Slider } from "./slider.js";
import { notify, startStage } from "./stage.js";
import { Studio } from "./studio.js";
import { startTheme } from "./theme.js";
import { startTray } from "./tray.js";
import { startWords, switchWords } from "./words.js";

const $ = (id) => document.getElementById(id);

startWords();
startTheme($("theme"));
$("language").addEventListener("click", switchWords);
new Slider($("hero")).reveal(46, 2200);

const settings = new Settings();
const album = new Album();
/** The models, asked for when a photo comes: a visitor who only looks needs no key. */
let begun = null;

async function begin() {
  const { default: name, models: cards } = await models();
  const card = cards.find((card) => card.name === name) ?? cards[0];
  if (card) settings.take(card);
  startLooks(album, settings);
  startControls(settings);
  startStage(album, new Studio(album, settings));
  startTray(album);
  startSave(album);
  album.addEventListener("change", dropWhatIsNone);
}

/** What neither the browser nor the service can read is no photo: it leaves, and its reason stays. */
function dropWhatIsNone() {
  const none = album.frames.find(({ shown, problem }) => !shown && problem && !problem.mayPass);
  if (!none) return;
  notify(none.problem);
  album.remove(none);
}

async function take(files) {
  try {
    begun ??= begin();
    await begun;
    notify(null);
    await album.add(files);
  } catch (error) {
    begun = null;
    refuse(error);
  }
}

function refuse(problem) {
  if (problem.name === "AbortError") return;
  if (!problem.words) throw problem;
  notify(problem);
}

startEntry(take, refuse);
startCamera(take, refuse);

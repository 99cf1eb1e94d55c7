// The page's words, in the visitor's language.

import { english } from "./words/en.js";
import { chinese } from "./words/zh.js";

const LANGUAGES = { en: english, zh: chinese };
const KEPT = "sakuga-language";

let words = english;

/** The words of `name`, with `{parts}` filled in. */
export function say(name, parts = {}) {
  const text = words[name] ?? english[name] ?? name;
  return text.replace(/\{(\w+)\}/g, (whole, part) => parts[part] ?? whole);
}

/** A style as people call it; one that we don't know keeps its own name. */
export function styleName(style) {
  const name = words[`style-${style}`];
  return name ?? style.charAt(0).toUpperCase() + style.slice(1).replaceAll("_", " ");
}

export const language = () => document.documentElement.lang;

/** Starts with the language chosen before, else the browser's. */
export function startWords() {
  const wished = [stored(), ...navigator.languages.map((tag) => tag.slice(0, 2))];
  use(wished.find((tag) => tag in LANGUAGES) ?? "en");
}

/** The other language. */
export function switchWords() {
  const next = language() === "zh" ? "en" : "zh";
  try {
    localStorage.setItem(KEPT, next);
  } catch {
    // Without a storage the choice lasts as long as the page.
  }
  use(next);
  document.dispatchEvent(new Event("words"));
}

function stored() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** Puts the words where `data-say` and `data-say-ATTRIBUTE` ask for them. */
function use(tag) {
  words = LANGUAGES[tag];
  document.documentElement.lang = tag;
  document.title = say("title");
  for (const element of document.querySelectorAll("[data-say]")) {
    element.textContent = say(element.dataset.say);
  }
  for (const attribute of ["aria-label", "alt", "placeholder"]) {
    for (const element of document.querySelectorAll(`[data-say-${attribute}]`)) {
      element.setAttribute(attribute, say(element.getAttribute(`data-say-${attribute}`)));
    }
  }
}

// How to draw: what the controls set and every drawing follows.

import { written } from "./mix.js";

/** The service's own longest side where a card names none. */
const SIDE = 1536;
const SMALL = 768;

export class Settings extends EventTarget {
  /** @type {string[]} */ styles = [];
  /** One a style, with the sum 1. @type {number[]} */ weights = [];
  model = null;
  side = SIDE;
  strength = 1;
  size = "standard";
  format = "same";
  quality = 90;
  shrink = true;

  /** Takes the model that the service draws with. */
  take(card) {
    this.model = card.name;
    this.styles = card.styles;
    this.weights = card.styles.map((_, at) => (at === 0 ? 1 : 0));
    this.side = card.max_side ?? SIDE;
  }

  set(changes) {
    Object.assign(this, changes);
    this.dispatchEvent(new Event("change"));
  }

  /** The parameters of a drawing; equal ones mean equal pictures. */
  fields() {
    const fields = { strength: String(this.strength) };
    if (this.model) fields.model = this.model;
    if (this.styles.length) fields.style = written(this.styles, this.weights);
    if (this.size === "original") fields.size = "original";
    if (this.size === "small") fields.max_side = String(Math.min(SMALL, this.side));
    if (this.format !== "same") fields.format = this.format;
    if (this.format !== "png") fields.quality = String(this.quality);
    return fields;
  }

  /** The longest side that is worth sending; null to send the photo as it is. */
  get enough() {
    if (!this.shrink || this.size === "original") return null;
    return this.size === "small" ? Math.min(SMALL, this.side) : this.side;
  }
}

// What went wrong, in words for people: a heading, and what to do.

import { say } from "./words.js";

/** Kinds of the service's problems that have words of their own. */
const KINDS = ["too-large", "unsupported", "undecodable", "busy", "unavailable", "too-slow"];
/** Whose reasons are worth more than our own words. */
const EXPLAINED = ["too-large", "unsupported", "undecodable"];

export class Problem extends Error {
  /** `name` is that of the heading; `name-detail` says what to do. */
  constructor(name, { parts = {}, told = "", mayPass = false } = {}) {
    super(name);
    this.words = name;
    this.parts = parts;
    this.told = told;
    this.mayPass = mayPass;
  }

  get title() {
    return say(this.words);
  }

  get detail() {
    const own = say(`${this.words}-detail`, this.parts);
    return this.told ? `${own} ${say("service-says", { detail: sentence(this.told) })}` : own;
  }
}

/** RFC 9457's problem+json; anything else by its status. */
export function problemOf(status, document) {
  const kind = /^urn:sakuga:problem:(.+)$/.exec(document?.type ?? "")?.[1];
  const known = KINDS.includes(kind);
  const mayPass = status === 429 || status >= 500 || kind === "too-slow";
  const told = !known || EXPLAINED.includes(kind) ? (document?.detail ?? "") : "";
  return new Problem(known ? `problem-${kind}` : "problem-other", { parts: { status }, told, mayPass });
}

/** The line is dead; a refused upload can look the same. */
export function unreachable(large) {
  return new Problem(large ? "unreachable-huge" : "unreachable", { mayPass: true });
}

function sentence(words) {
  return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?。]$/.test(words) ? "" : ".");
}

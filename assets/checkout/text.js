// The page's texts in the shopper's language: lang/*.json, one file a language.

import { settings } from "./settings.js";

/// Those that come with the page. A shop can add others: what their files lack is then said in English.
const BUILT_IN = ["en", "de", "fr", "es", "pt", "it", "tr", "ru", "zh", "ar"];

const REMEMBERED = "ocrch language";

/// The languages that the shop offers.
export const languages = settings.languages?.length ? settings.languages : BUILT_IN;

/// The code of the language in use.
export let language = "en";

// The server puts the texts of the language that it chose into the page.
const inPage = { code: document.documentElement.lang, texts: textsInPage() };

function textsInPage() {
  try {
    return JSON.parse(document.getElementById("texts").textContent);
  } catch {
    return null;
  }
}

let texts = {};
let plurals = new Intl.PluralRules("en");

/// Loads the language that was chosen before; else the one that the server chose for this browser; else, on a page
/// that no server filled in, the first that the browser likes.
export async function speakFirst() {
  const wanted = [recall(), document.documentElement.lang, ...navigator.languages].filter(Boolean);
  const primary = (tag) => tag.split("-")[0].toLowerCase();
  const fitting = (tag) => languages.find((code) => code === tag) ?? languages.find((code) => primary(code) === primary(tag));
  await speak(wanted.map(fitting).find(Boolean) ?? languages[0]);
}

/// Loads a language and makes it the page's.
export async function speak(code) {
  texts = code === inPage.code && inPage.texts ? inPage.texts : await loadTexts(code);
  language = code;
  plurals = new Intl.PluralRules(code);
  document.documentElement.lang = code;
  document.documentElement.dir = texts.dir ?? "ltr";
}

async function loadTexts(code) {
  const [base, own] = await Promise.all([BUILT_IN.includes(code) ? {} : load("en"), load(code)]);
  return { ...base, dir: "ltr", ...own };
}

async function load(code) {
  const response = await fetch(new URL(`lang/${code}.json`, import.meta.url));
  if (!response.ok) throw new Error(`lang/${code}.json: ${response.status}`);
  return response.json();
}

export function rememberLanguage(code) {
  try {
    localStorage.setItem(REMEMBERED, code);
  } catch {
    // Storage can be forbidden; the shopper then chooses again next time.
  }
}

function recall() {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

export const knows = (key) => Object.hasOwn(texts, key);

/// A text with its {places} filled in. One that depends on a number takes it as `count`.
export function t(key, values = {}) {
  const entry = texts[key] ?? key;
  const text = typeof entry === "string" ? entry : (entry[plurals.select(values.count)] ?? entry.other);
  return text.replace(/\{(\w+)\}/g, (place, name) => (name in values ? isolate(String(values[name])) : place));
}

/// An amount or a name keeps its own direction in the middle of a text from right to left.
const isolate = (value) => (texts.dir === "rtl" ? `\u2068${value}\u2069` : value);

/// A language's own name for itself.
export const nameOf = (code) =>
  once(`name ${code}`, () => {
    const name = new Intl.DisplayNames([code], { type: "language" }).of(code);
    return name.charAt(0).toLocaleUpperCase(code) + name.slice(1);
  });

// What the browser knows of languages is slow to ask for, and the page is drawn each second.
const known = new Map();

function once(key, make) {
  if (!known.has(key)) known.set(key, make());
  return known.get(key);
}

// Amounts are copied and typed in: they have the digits that wallets have, in every language.
const local = () => `${language}-u-nu-latn`;

/// "20 seconds", "3 minutes": about, so in steps of five seconds.
export function duration(seconds) {
  const [value, unit] = seconds < 58 ? [Math.max(5, Math.round(seconds / 5) * 5), "second"] : [Math.round(seconds / 60), "minute"];
  return once(`${language} ${unit}`, () => new Intl.NumberFormat(local(), { style: "unit", unit, unitDisplay: "long" })).format(value);
}

/// "14:32", "1:00:05".
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((n) => String(n).padStart(2, "0"));
  const hours = Math.floor(whole / 3600);
  return `${hours ? `${hours}:` : ""}${parts.join(":")}`;
}

export const dateTime = (unixSeconds) =>
  new Intl.DateTimeFormat(local(), { dateStyle: "medium", timeStyle: "short" }).format(unixSeconds * 1000);

/// "USDT, USDC or DAI".
export const anyOf = (names) => once(`${language} list`, () => new Intl.ListFormat(language, { type: "disjunction" })).format(names);

// Every language file against the English one: the same keys, the same places to fill in, all forms of plurals.
import { readdir, readFile } from "node:fs/promises";
import { hear, tell } from "./lines.mjs";

const LANG = new URL("../../assets/checkout/lang/", import.meta.url);
const expected = await hear();
const read = async (code) => JSON.parse(await readFile(new URL(`${code}.json`, LANG), "utf8"));
const places = (text) => [...new Set(text.match(/\{\w+\}/g))].sort().join();

const problems = [];
const codes = (await readdir(LANG)).filter((file) => file.endsWith(".json")).map((file) => file.replace(".json", ""));
if (codes.sort().join() !== expected.sort().join()) problems.push(`there are ${codes}`);
const english = await read("en");
for (const code of codes) {
  const texts = await read(code);
  const forms = new Intl.PluralRules(code).resolvedOptions().pluralCategories.sort().join();
  const complain = (key, what) => problems.push(`${code}, ${key}: ${what}`);
  for (const key of Object.keys(texts)) if (!(key in english)) complain(key, "unknown");
  for (const [key, original] of Object.entries(english)) {
    const text = texts[key];
    if (text === undefined) complain(key, "missing");
    else if (typeof original === "string") {
      if (typeof text !== "string" || !text.trim()) complain(key, "is no text");
      else if (places(text) !== places(original)) complain(key, `${places(text)} instead of ${places(original)}`);
    } else if (Object.keys(text).sort().join() !== forms) complain(key, `has ${Object.keys(text)}, not ${forms}`);
    else if (places(text.other) !== places(original.other)) complain(key, "other places");
  }
}
tell("compared", { problems });
process.exit(0);

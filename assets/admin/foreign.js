// Texts that merchants or customers chose, in the midst of ours. One with U+202E would turn around what stands behind it, an
// amount say; isolated, each has an end and a beginning of its own.

import { h } from "./dom.js";

/** As an element. */
export const foreign = (text) => h("bdi", {}, contained(text));

/** Within a plain sentence. */
export const isolated = (text) => `\u2068${contained(text)}\u2069`;

/** Without what could end the isolation, or keep its end from being one. */
const contained = (text) => String(text).replace(/[\u2029\u2066-\u2069]/g, "");

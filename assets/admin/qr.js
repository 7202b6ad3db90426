// QR codes, drawn as one path. The encoder comes with the checkout page.

import { encode } from "./uqr.js";
import { s } from "./dom.js";

export function qrCode(text, description) {
  const { data, size } = encode(text, { ecc: "M", border: 0 });
  const squares = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")));
  return s(
    "svg",
    { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": description, "shape-rendering": "crispEdges" },
    s("path", { d: squares.join(""), fill: "#000" })
  );
}

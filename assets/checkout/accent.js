// The shop's colour, made readable wherever it is put.

const root = document.documentElement;

/// Uses the shop's colour: as it is for areas, and changed as far as needed where it is text or a line.
export function applyAccent(hex) {
  const accent = rgb(hex);
  if (!accent) return;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    root.style.setProperty("--accent", css(accent));
    root.style.setProperty("--on-accent", contrast(accent, WHITE) >= 4.5 ? "#fff" : "#000");
    // An area that is hardly different from the card needs an edge.
    const seen = contrast(accent, dark.matches ? DARK_CARD : WHITE) >= 1.5;
    root.style.setProperty("--accent-edge", seen ? "transparent" : "var(--strong-line)");
    root.style.setProperty("--accent-ink", css(dark.matches ? readable(accent, DARK_FIELD, WHITE) : readable(accent, LIGHT_FIELD, BLACK)));
  };
  dark.addEventListener("change", apply);
  apply();
}

const WHITE = [255, 255, 255];
const BLACK = [0, 0, 0];
// The least favourable grounds that the style sheet puts the colour on.
const LIGHT_FIELD = [238, 242, 240];
const DARK_FIELD = [42, 51, 47];
const DARK_CARD = [24, 32, 28];

const css = (colour) => `rgb(${colour.map(Math.round).join(" ")})`;

function rgb(hex) {
  const digits = /^#([0-9a-f]{6})$/i.exec(hex.replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3"))?.[1];
  return digits && [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
}

/// The colour, moved towards black or white until it can be read on the ground (WCAG AA).
function readable(colour, ground, towards) {
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = colour.map((part, i) => part + (towards[i] - part) * share);
    if (contrast(mixed, ground) >= 4.6) return mixed;
  }
  return towards;
}

function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour) {
  const [r, g, b] = colour.map((part) => part / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

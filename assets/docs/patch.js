// Swagger UI's markup lacks names and keyboard access here and there; this adds them as it appears.

const PATCHES = [
  ["main", (e) => e.setAttribute("aria-label", "Calls")],
  [".model-box-control", (e) => e.textContent.trim() || e.setAttribute("aria-label", "Fields")],
  [".body-param__text", (e) => e.setAttribute("aria-label", "Request body")],
  ["pre.example, pre.microlight, .highlight-code pre", (e) => (e.tabIndex = 0)],
  [".responses-table", (e) => e.removeAttribute("role")],
  [".parameters input, .parameters textarea:not(.body-param__text)", (e) => e.setAttribute("aria-label", nameOf(e))],
  ["select:not([aria-label])", (e) => e.setAttribute("aria-label", nameOf(e))],
];

const nameOf = (input) => input.closest("tr")?.querySelector(".parameter__name")?.firstChild?.textContent || input.placeholder || "Choice";

export function patch(root) {
  const apply = () => {
    for (const [selector, change] of PATCHES) {
      for (const found of root.querySelectorAll(`:is(${selector}):not([data-patched])`)) {
        found.dataset.patched = "";
        change(found);
      }
    }
  };
  new MutationObserver(apply).observe(root, { childList: true, subtree: true });
  apply();
}

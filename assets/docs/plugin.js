// What this page adds to Swagger UI, and what it takes away.

import { element } from "./dom.js";
import { fillForm } from "./forms.js";
import { keys, onChange } from "./keys.js";
import { traces } from "./intercept.js";
import { recipe } from "./recipe.js";
import { showCode } from "./snippets.js";
import { steps } from "./steps.js";

const nothing = () => () => null;

/// A plugin over the adapted document.
export const plugin = (spec) => (system) => {
  const { createElement: h, Fragment, useEffect, useRef } = system.React;

  /// An empty element whose content plain DOM code looks after; `fill` returns what ends that.
  function Place({ className, fill, about }) {
    const place = useRef(null);
    useEffect(() => fill(place.current), [about]);
    return h("div", { className, ref: place });
  }

  const snippets = (path, method) => (place) => {
    const call = { path, method, operation: spec.paths[path][method] };
    const write = (language) => language.call(recipe(spec, call, formValues(system, path, method), keys));
    fillForm(system.getSystem(), spec, call);
    const { refresh, remove } = showCode(place, `Code for ${call.operation.summary}`, write);
    // Swagger UI announces many changes at once.
    let planned = 0;
    const plan = () => (planned ||= requestAnimationFrame(() => ((planned = 0), place.isConnected && refresh())));
    const stop = system.getStore().subscribe(plan);
    onChange(plan);
    return () => (stop(), remove());
  };

  const Responses = (Original) => (props) =>
    h(
      Fragment,
      null,
      h("div", { className: "opblock-section-header" }, h("h4", null, "Code")),
      h(Place, { className: "snippets", fill: snippets(props.path, props.method), about: props.path }),
      h(Original, props),
    );

  const LiveResponse = (Original) => (props) => {
    const url = props.response.get("url");
    const trace = traces.get(url);
    const show = (place) => place.replaceChildren(...explain(trace));
    return h(Fragment, null, trace && h(Place, { className: "trace", fill: show, about: trace }), h(Original, props));
  };

  return {
    wrapComponents: {
      responses: Responses,
      liveResponse: LiveResponse,
      // A link inside the button that opens a call cannot be reached by everybody.
      DeepLink: () => ({ text }) => h("span", null, text),
      // The panel above does this; and Swagger's curl would show the admin secret.
      curl: nothing,
      RequestSnippets: nothing,
      authorizeBtn: nothing,
      authorizeOperationBtn: nothing,
      AuthorizeBtnContainer: nothing,
      InfoContainer: nothing,
      ServersContainer: nothing,
      SchemesContainer: nothing,
    },
  };
};

/// What is typed into a call's form.
function formValues(system, path, method) {
  const { specSelectors, oas3Selectors } = system.getSystem();
  const meta = specSelectors.parameterValues([path, method]);
  const params = {};
  // Keys are like "path.id.hash-123".
  for (const [key, value] of meta?.entrySeq() ?? []) {
    if (value !== undefined && value !== "") params[key.split(".")[1]] = String(value);
  }
  const body = oas3Selectors.requestBodyValue(path, method);
  return { params, body: typeof body === "string" ? body : undefined };
}

const MISSING = {
  merchant: "Sent without a signature: paste the merchant secret at the top of the page.",
  admin: "Sent without a secret: paste the admin secret at the top of the page.",
};

function explain(trace) {
  if (trace.missing) return [element("p", { className: "warning", textContent: MISSING[trace.missing] })];
  if (!trace.recipe) return [element("p", { textContent: "The admin secret went along in the header Ocrch-Admin-Authorization." })];
  const list = element("ol", { className: "steps" }, ...steps(trace));
  return [element("details", {}, element("summary", { textContent: "How this call was signed" }), list)];
}

// Swagger UI over this server's own OpenAPI document, with signatures. Its bundle is a classic script, hence the global.

import { $, element } from "./dom.js";
import { fillForms, offerWayToPay } from "./forms.js";
import { learn, signRequest } from "./intercept.js";
import { change } from "./keys.js";
import { patch } from "./patch.js";
import { plugin } from "./plugin.js";
import { startSecrets } from "./secrets.js";
import { startSigner } from "./signer.js";
import { showCode } from "./snippets.js";
import { load, resolve } from "./spec.js";
import { BASE } from "./surface.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

change({ page: `${BASE}/checkout` });
startSecrets();
startSigner();
try {
  start(await load());
} catch (error) {
  $("swagger-ui").append(element("p", { className: "panel warning", textContent: `The API document cannot be shown: ${error.message}` }));
}

function start(spec) {
  $("version").textContent = spec.info.version;
  $("about").append(...spec.info.description.split("\n\n").map((textContent) => element("p", { textContent: textContent.replaceAll("`", "") })));
  const event = resolve(spec, { $ref: "#/components/schemas/OrderEvent" })?.example;
  showCode($("webhook-code"), "Code for webhooks", (language) => language.webhook(event));
  const ui = window.SwaggerUIBundle({
    dom_id: "#swagger-ui",
    spec,
    plugins: [plugin(spec)],
    deepLinking: true,
    tryItOutEnabled: true,
    syntaxHighlight: { activated: false },
    defaultModelsExpandDepth: 0,
    // The default validator would send the document to another host.
    validatorUrl: null,
    requestInterceptor: signRequest,
    responseInterceptor: (response) => {
      learn(response);
      offerWayToPay(ui, spec, response);
      return response;
    },
  });
  fillForms(ui, spec);
  patch($("swagger-ui"));
}

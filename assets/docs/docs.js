// Swagger UI over this server's own OpenAPI document. Its bundle is a classic script, hence the global.

window.SwaggerUIBundle({
  dom_id: "#swagger-ui",
  // Relative to the module, so that a server behind a path prefix works too.
  url: new URL("../openapi.json", import.meta.url).href,
  deepLinking: true,
  tryItOutEnabled: true,
  // The default validator would send the document to another host.
  validatorUrl: null,
});

// The bundled page's files on the shop's own host, as docs/api.md describes it: unfilled, with two attributes.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { signCheckoutUrl } from "./sign-checkout-url.mjs";

const ASSETS = new URL("../../assets/", import.meta.url);
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".json": "application/json" };

/// Serves /pay.html, which can have its signature refreshed, and /plain.html, which cannot. `refreshed` counts.
export async function ownPage(port, base, secret) {
  const index = await readFile(new URL("checkout/index.html", ASSETS), "utf8");
  const counts = { refreshed: 0 };
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, "http://shop").pathname;
    const send = (type, body) => response.writeHead(200, { "Content-Type": type }).end(body);
    if (path === "/pay.html") return send(TYPES[".html"], index.replace("<html ", `<html data-ocrch="${base}" data-refresh="/sign" `));
    if (path === "/plain.html") return send(TYPES[".html"], index.replace("<html ", `<html data-ocrch="${base}" `));
    if (path === "/sign" && request.method === "POST") {
      counts.refreshed += 1;
      const { url } = JSON.parse((await request.toArray()).join(""));
      return send(TYPES[".json"], JSON.stringify({ signature: signCheckoutUrl(url, secret) }));
    }
    try {
      send(TYPES[extname(path)], await readFile(new URL(`.${path}`, ASSETS)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { counts, close: () => server.close() };
}

export function signedAddress(port, page, orderId, secret) {
  const url = `http://127.0.0.1:${port}/${page}?order_id=${orderId}`;
  return `${url}&sig=${encodeURIComponent(signCheckoutUrl(url, secret))}`;
}

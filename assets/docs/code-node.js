// Calls and webhooks for Node.js 20 and newer, with nothing but its own modules.

export const label = "Node.js";

const indented = (value) => JSON.stringify(value, null, 2);

export function call(recipe) {
  const { proof, method, body } = recipe;
  if (recipe.socket) return socket(recipe);
  return [
    ...signing(recipe),
    `const answer = await fetch(${JSON.stringify(recipe.url)}, {`,
    method !== "GET" && `  method: "${method}",`,
    "  headers: {",
    ...recipe.headers.map(([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)},`),
    ...proofHeaders(proof).map((line) => `    ${line}`),
    "  },",
    body !== undefined && "  body,",
    "});",
    "console.log(answer.status, await answer.text());",
  ].filter(Boolean).join("\n");
}

function signing({ proof, body, page }) {
  const signs = proof === "body" || proof === "url";
  return [
    signs && 'import { createHmac } from "node:crypto";\n',
    body !== undefined && `const body = ${typeof body === "string" ? JSON.stringify(body) : `JSON.stringify(${indented(body)})`};`,
    proof === "url" && `const url = ${JSON.stringify(page)};`,
    signs && "const ts = Math.floor(Date.now() / 1000);",
    signs && `const message = ${proof === "body" ? "`${ts}.${body}`" : "`${url}.${ts}`"};`,
    signs && 'const mac = createHmac("sha256", process.env.MERCHANT_SECRET).update(message).digest("base64");\n',
  ].filter(Boolean);
}

function proofHeaders(proof) {
  return [
    proof === "url" && '"Ocrch-Signed-Url": url,',
    (proof === "body" || proof === "url") && '"Ocrch-Signature": `${ts}.${mac}`,',
    proof === "admin" && '"Ocrch-Admin-Authorization": process.env.ADMIN_SECRET,',
  ].filter(Boolean);
}

/// As in a browser, which cannot send headers with a WebSocket: a ticket opens it. (Without `createHmac`, the same code runs there.)
function socket(recipe) {
  return `${signing(recipe).join("\n")}
// Node.js 22 and newer have WebSocket; 20 needs --experimental-websocket.
const ticketUrl = ${JSON.stringify(recipe.url.replace(/\/ws$/, "/ws-ticket"))};
const answer = await fetch(ticketUrl, {
  method: "POST",
  headers: {
    "Ocrch-Signed-Url": url,
    "Ocrch-Signature": \`\${ts}.\${mac}\`,
  },
});
if (!answer.ok) throw new Error(await answer.text());
const { ticket } = await answer.json();
const socket = new WebSocket(${JSON.stringify(`${recipe.url.replace(/^http/, "ws")}?ticket=`)} + ticket);
socket.onmessage = ({ data }) => console.log(data);
socket.onclose = ({ code }) => console.log("closed with", code);`;
}

export function webhook() {
  return `// A receiver: verifies, then acts. Run it with MERCHANT_SECRET=… node receiver.mjs
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const MAX_AGE = 300; // seconds: what is older may be somebody's recording
const seen = new Set(); // in a real shop: a column in your database

function isGenuine(header, body) {
  const [, ts, mac] = /^(\\d+)\\.(.+)$/.exec(header ?? "") ?? [];
  if (!ts || Math.abs(Date.now() / 1000 - ts) > MAX_AGE) return false;
  const expected = createHmac("sha256", process.env.MERCHANT_SECRET).update(\`\${ts}.\`).update(body).digest();
  const given = Buffer.from(mac, "base64");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks); // the bytes as they came
  if (!isGenuine(request.headers["ocrch-signature"], body)) return response.writeHead(401).end();
  const id = request.headers["webhook-id"];
  if (!seen.has(id)) {
    const event = JSON.parse(body);
    console.log(event.event_type, event.merchant_order_id, event.status);
    seen.add(id);
  }
  response.writeHead(200).end(); // exactly 200, or it comes again
}).listen(process.env.PORT ?? 3000, "127.0.0.1");`;
}

// A customer behind an https proxy whose certificate is signed by an authority of the test's own:
// one request with a forged address, then a WebSocket, each of whose messages is told.
import { readFileSync } from "node:fs";
import { Agent, WebSocket, fetch } from "undici";
import { hear, tell } from "./lines.mjs";

const { authority, base, path, socket } = await hear();
const here = [{ address: "127.0.0.1", family: 4 }];
const lookup = (_name, { all }, done) => (all ? done(null, here) : done(null, here[0].address, here[0].family));
const dispatcher = new Agent({ connect: { ca: readFileSync(authority), lookup } });

const forged = { "X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6" };
const reply = await fetch(base + path, { dispatcher, headers: forged });
tell("page", { status: reply.status, body: await reply.text() });

if (socket) {
  const ws = new WebSocket(base.replace("https", "wss") + socket, { dispatcher });
  ws.addEventListener("message", ({ data }) => tell("message", JSON.parse(data)));
  ws.addEventListener("close", ({ code }) => {
    tell("closed", { code });
    process.exit(0);
  });
  ws.addEventListener("error", ({ message }) => tell("error", { message }));
}
await hear();
process.exit(0);

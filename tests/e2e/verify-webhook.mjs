// Verifies a webhook's signature the way the protocol's documents tell backends to, with Node's crypto.
// Reads {"secret", "signature", "body" (base64)}, answers {"valid"}.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, signature, body } = JSON.parse(line);
  const dot = signature.indexOf(".");
  const timestamp = signature.slice(0, dot);
  const expected = createHmac("sha256", secret)
    .update(`${timestamp}.`)
    .update(Buffer.from(body, "base64"))
    .digest("base64");
  const given = Buffer.from(signature.slice(dot + 1));
  const wanted = Buffer.from(expected);
  const valid = /^\d+$/.test(timestamp) && given.length === wanted.length && timingSafeEqual(given, wanted);
  console.log(JSON.stringify({ valid }));
  break;
}
process.exit(0);

// Calls and webhooks for a shell, with curl and openssl.

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const hmac = (message) => `printf '%s' ${message} | openssl dgst -sha256 -hmac "$MERCHANT_SECRET" -binary | base64`;

export const label = "curl";

export function call(recipe) {
  const { proof, body, socket } = recipe;
  return [
    body !== undefined && `BODY=${quoted(typeof body === "string" ? body : JSON.stringify(body))}`,
    proof === "url" && `URL=${quoted(recipe.page)}`,
    (proof === "body" || proof === "url") && "TS=$(date +%s)",
    proof === "body" && `MAC=$(${hmac('"$TS.$BODY"')})`,
    proof === "url" && `MAC=$(${hmac('"$URL.$TS"')})`,
    socket && "# Prints the frames as they come: an order that is over ends it, and so does Ctrl-C.",
    [`curl -sS -w '\\n%{http_code}\\n' ${quoted(recipe.url)}`, ...options(recipe)].join(" \\\n  "),
  ].filter(Boolean).join("\n");
}

function options({ method, proof, headers, body, socket }) {
  return [
    method !== (body === undefined ? "GET" : "POST") && `-X ${method}`,
    ...headers.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    proof === "url" && '-H "Ocrch-Signed-Url: $URL"',
    (proof === "body" || proof === "url") && '-H "Ocrch-Signature: $TS.$MAC"',
    proof === "admin" && '-H "Ocrch-Admin-Authorization: $ADMIN_SECRET"',
    socket && "--http1.1 --no-buffer -H 'Connection: Upgrade' -H 'Upgrade: websocket'",
    socket && "-H 'Sec-WebSocket-Version: 13' -H \"Sec-WebSocket-Key: $(openssl rand -base64 16)\"",
    body !== undefined && '-d "$BODY"',
  ].filter(Boolean);
}

/// A delivery as Ocrch makes it, to try a receiver with.
export function webhook(event) {
  return `# Sends your receiver a signed event, as Ocrch does. It must print 200.
RECEIVER=\${RECEIVER:-http://127.0.0.1:3000/ocrch-webhook}
BODY=${quoted(JSON.stringify(event))}
TS=$(date +%s)
MAC=$(${hmac('"$TS.$BODY"')})
curl -sS -o /dev/null -w '%{http_code}\\n' "$RECEIVER" \\
  -H 'Content-Type: application/json' \\
  -H "Ocrch-Signature: $TS.$MAC" \\
  -H 'webhook-id: evt_a-test-of-mine' \\
  -H "webhook-timestamp: $TS" \\
  -d "$BODY"`;
}

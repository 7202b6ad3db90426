// Calls and webhooks for Python 3, with nothing but its standard library.

export const label = "Python";

const text = (value) => JSON.stringify(value);

function literal(value, indent = "") {
  const deeper = `${indent}    `;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, deeper)).join(", ")}]`;
  if (typeof value !== "object") return text(value);
  const entries = Object.entries(value).map(([key, item]) => `${deeper}${text(key)}: ${literal(item, deeper)},\n`);
  return entries.length ? `{\n${entries.join("")}${indent}}` : "{}";
}

export function call(recipe) {
  const { method, body } = recipe;
  if (recipe.socket) return socket(recipe);
  return [
    `import ${imports(recipe)}\n`,
    ...signing(recipe),
    "request = urllib.request.Request(",
    `    ${text(recipe.url)},`,
    `    method="${method}",`,
    body !== undefined && "    data=body,",
    `    headers={\n${headers(recipe)}    },`,
    ")",
    "try:",
    "    with urllib.request.urlopen(request) as answer:",
    "        print(answer.status, answer.read().decode())",
    "except urllib.error.HTTPError as error:",
    "    print(error.code, error.read().decode())",
  ].filter(Boolean).join("\n");
}

const signs = ({ proof }) => proof === "body" || proof === "url";

function imports(recipe) {
  return [
    signs(recipe) && "base64, hashlib, hmac",
    recipe.body !== undefined && "json",
    recipe.proof && "os",
    signs(recipe) && "time",
    "urllib.error, urllib.request",
  ].filter(Boolean).join(", ");
}

function signing({ proof, body, page }) {
  return [
    body !== undefined && `body = ${encoded(body)}`,
    proof === "url" && `url = ${text(page)}`,
    signs({ proof }) && 'secret = os.environ["MERCHANT_SECRET"].encode()',
    signs({ proof }) && "ts = int(time.time())",
    proof === "body" && 'message = f"{ts}.".encode() + body',
    proof === "url" && 'message = f"{url}.{ts}".encode()',
    signs({ proof }) && "mac = base64.b64encode(hmac.new(secret, message, hashlib.sha256).digest()).decode()\n",
  ].filter(Boolean);
}

const encoded = (body) =>
  typeof body === "string" ? `${text(body)}.encode()` : `json.dumps(${literal(body)}, separators=(",", ":"), ensure_ascii=False).encode()`;

function headers({ proof, headers: given }) {
  const all = [
    ...given.map(([name, value]) => `${text(name)}: ${text(value)}`),
    proof === "url" && '"Ocrch-Signed-Url": url',
    signs({ proof }) && '"Ocrch-Signature": f"{ts}.{mac}"',
    proof === "admin" && '"Ocrch-Admin-Authorization": os.environ["ADMIN_SECRET"]',
  ];
  return all.filter(Boolean).map((line) => `        ${line},\n`).join("");
}

/// The upgrade by hand; the package `websockets` does the same in a few lines.
function socket(recipe) {
  const { protocol, host, pathname } = new URL(recipe.url);
  return `import base64, hashlib, hmac, http.client, os, time

${signing(recipe).join("\n")}
connection = http.client.${protocol === "https:" ? "HTTPSConnection" : "HTTPConnection"}(${text(host)})
connection.request("GET", ${text(pathname)}, headers={
${headers({ ...recipe, headers: [] })}        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
})
frames = connection.getresponse().fp
while head := frames.read(2):
    kind, size = head[0] & 15, head[1]
    if size == 126:
        size = int.from_bytes(frames.read(2), "big")
    payload = frames.read(size)
    if kind == 1:  # text
        print(payload.decode(), flush=True)
    if kind == 8:  # closed
        break`;
}

export function webhook() {
  return `# A receiver: verifies, then acts. Run it with MERCHANT_SECRET=… python3 receiver.py
import base64, hashlib, hmac, json, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_AGE = 300  # seconds: what is older may be somebody's recording
seen = set()  # in a real shop: a column in your database


def is_genuine(header: str, body: bytes) -> bool:
    ts, _, mac = header.partition(".")
    if not ts.isdecimal() or abs(time.time() - int(ts)) > MAX_AGE:
        return False
    message = ts.encode() + b"." + body
    expected = hmac.new(os.environ["MERCHANT_SECRET"].encode(), message, hashlib.sha256).digest()
    try:
        return hmac.compare_digest(base64.b64decode(mac + "=" * (-len(mac) % 4)), expected)
    except ValueError:
        return False


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))  # the bytes as they came
        if not is_genuine(self.headers.get("Ocrch-Signature", ""), body):
            return self.answer(401)
        if self.headers["webhook-id"] not in seen:
            event = json.loads(body)
            print(event["event_type"], event.get("merchant_order_id"), event.get("status"), flush=True)
            seen.add(self.headers["webhook-id"])
        self.answer(200)  # exactly 200, or it comes again

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 3000))), Receiver).serve_forever()`;
}

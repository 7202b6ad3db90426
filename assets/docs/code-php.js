// Calls and webhooks for PHP 8, with nothing but what it comes with.

export const label = "PHP";

const text = (value) => `'${String(value).replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

function literal(value, indent = "") {
  const deeper = `${indent}    `;
  if (value === null || typeof value === "boolean" || typeof value === "number") return String(value);
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, deeper)).join(", ")}]`;
  const entries = Object.entries(value).map(([key, item]) => `${deeper}${text(key)} => ${literal(item, deeper)},\n`);
  return entries.length ? `[\n${entries.join("")}${indent}]` : "new stdClass()";
}

const signs = ({ proof }) => proof === "body" || proof === "url";

export function call(recipe) {
  const { method, body } = recipe;
  if (recipe.socket) return socket(recipe);
  return [
    "<?php",
    ...signing(recipe),
    "$context = stream_context_create(['http' => [",
    `    'method' => '${method}',`,
    `    'header' => [\n${headers(recipe)}    ],`,
    body !== undefined && "    'content' => $body,",
    "    'ignore_errors' => true, // gives the text of a refusal, too",
    "]]);",
    `$answer = file_get_contents(${text(recipe.url)}, false, $context);`,
    'echo $http_response_header[0], "\\n", $answer, "\\n";',
  ].filter(Boolean).join("\n");
}

function signing({ proof, body, page }) {
  return [
    body !== undefined && `$body = ${encoded(body)};`,
    proof === "url" && `$url = ${text(page)};`,
    signs({ proof }) && "$ts = time();",
    signs({ proof }) && `$message = ${proof === "body" ? '"$ts.$body"' : '"$url.$ts"'};`,
    signs({ proof }) && "$mac = base64_encode(hash_hmac('sha256', $message, getenv('MERCHANT_SECRET'), true));\n",
  ].filter(Boolean);
}

const encoded = (body) =>
  typeof body === "string" ? text(body) : `json_encode(${literal(body)}, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE)`;

function headers({ proof, headers: given }) {
  const all = [
    ...given.map(([name, value]) => text(`${name}: ${value}`)),
    proof === "url" && '"Ocrch-Signed-Url: $url"',
    signs({ proof }) && '"Ocrch-Signature: $ts.$mac"',
    proof === "admin" && "'Ocrch-Admin-Authorization: ' . getenv('ADMIN_SECRET')",
  ];
  return all.filter(Boolean).map((line) => `        ${line},\n`).join("");
}

/// The upgrade by hand: PHP brings no WebSocket along.
function socket(recipe) {
  const { protocol, hostname, port, host, pathname } = new URL(recipe.url);
  const secure = protocol === "https:";
  return `<?php
${signing(recipe).join("\n")}
$stream = stream_socket_client(${text(`${secure ? "tls" : "tcp"}://${hostname}:${port || (secure ? 443 : 80)}`)});
fwrite($stream, implode("\\r\\n", [
        ${text(`GET ${pathname} HTTP/1.1`)},
        ${text(`Host: ${host}`)},
${headers({ ...recipe, headers: [] })}        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: ' . base64_encode(random_bytes(16)),
        '',
        '',
]));
while (trim((string) fgets($stream)) !== '') {
    // the answer's headers
}
while (strlen($head = (string) stream_get_contents($stream, 2)) === 2) {
    $size = ord($head[1]);
    if ($size === 126) {
        $size = unpack('n', stream_get_contents($stream, 2))[1];
    }
    $payload = $size > 0 ? stream_get_contents($stream, $size) : '';
    $kind = ord($head[0]) & 15;
    if ($kind === 1) { // text
        echo $payload, "\\n";
    } elseif ($kind === 8) { // closed
        break;
    }
}`;
}

export function webhook() {
  return `<?php
// A receiver: verifies, then acts. Run it with MERCHANT_SECRET=… php -S 127.0.0.1:3000 receiver.php
const MAX_AGE = 300; // seconds: what is older may be somebody's recording

function is_genuine(string $header, string $body): bool
{
    [$ts, $mac] = explode('.', $header, 2) + ['', ''];
    if (!ctype_digit($ts) || abs(time() - (int) $ts) > MAX_AGE) {
        return false;
    }
    $expected = hash_hmac('sha256', "$ts.$body", getenv('MERCHANT_SECRET'), true);
    return hash_equals($expected, (string) base64_decode($mac));
}

$body = file_get_contents('php://input'); // the bytes as they came
if (!is_genuine($_SERVER['HTTP_OCRCH_SIGNATURE'] ?? '', $body)) {
    http_response_code(401);
    return;
}
// In a real shop: skip it if your database has this id already, and store it together with what you do about it.
$id = $_SERVER['HTTP_WEBHOOK_ID'];
$event = json_decode($body, true);
error_log("$id {$event['event_type']} " . ($event['merchant_order_id'] ?? '') . ' ' . ($event['status'] ?? ''));
http_response_code(200); // exactly 200, or it comes again`;
}

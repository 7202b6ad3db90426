<?php
// A complete small shop in front of Ocrch, in one file, with nothing but PHP (8.1 or newer).
//
//   a customer orders  ->  create the order at Ocrch, send the customer to its page
//   Ocrch tells        ->  verify the webhook, note what happened, ship once
//
// Settings come from the environment; the README beside this file has them.
declare(strict_types=1);

function setting(string $name, string $default): string
{
    return getenv($name) ?: $default;
}

define('OCRCH', setting('OCRCH', 'http://127.0.0.1:8080'));
define('SHOP_URL', setting('SHOP_URL', 'http://127.0.0.1:3000')); // where customers and Ocrch reach this shop
define('SHOP_FILE', setting('SHOP_FILE', __DIR__ . '/orders.json'));
define('PAGES', setting('PAGES', '')); // the origin of static pages that may order here, see ../static
define('SECRET', setting('MERCHANT_SECRET', '')); // merchant.secret in ocrch.toml
if (SECRET === '') {
    http_response_code(500);
    exit('set MERCHANT_SECRET to merchant.secret of ocrch.toml');
}

// Amounts are texts, never floats: 0.1 + 0.2 is not 0.3.
const PRODUCTS = [
    'mug' => ['name' => 'A very good mug', 'price' => '19.99'],
    'beans' => ['name' => 'A bag of beans', 'price' => '12.50'],
];

// ---- The books: one JSON file, changed by one request at a time, written whole and then renamed.

/** Gives the books to $change, and keeps what it makes of them: when this returns, it is on disk. */
function books(callable $change): mixed
{
    $lock = fopen(SHOP_FILE . '.lock', 'c');
    flock($lock, LOCK_EX);
    $text = is_file(SHOP_FILE) ? file_get_contents(SHOP_FILE) : '{}';
    $before = json_decode($text, true, 512, JSON_THROW_ON_ERROR) + ['orders' => [], 'webhooks' => [], 'strays' => []];
    $books = $before;
    $result = $change($books);
    if ($books !== $before) {
        save(json_encode($books, JSON_PRETTY_PRINT | JSON_THROW_ON_ERROR));
    }
    fclose($lock); // lets the next request in
    return $result;
}

function save(string $text): void
{
    $file = fopen(SHOP_FILE . '.new', 'w');
    if (!$file || fwrite($file, $text) !== strlen($text) || !fsync($file) || !rename(SHOP_FILE . '.new', SHOP_FILE)) {
        throw new RuntimeException('cannot write ' . SHOP_FILE);
    }
    fclose($file);
}

// ---- Ocrch's Service API: every body is signed.

function ocrch(string $path, array $ask, array $headers): array
{
    $body = json_encode($ask, JSON_THROW_ON_ERROR); // what is signed must be what is sent, to the byte
    $ts = time();
    $mac = base64_encode(hash_hmac('sha256', "$ts.$body", SECRET, true));
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => ['Content-Type: application/json', "Ocrch-Signature: $ts.$mac", ...$headers],
        'content' => $body,
        'timeout' => 10,
        'ignore_errors' => true,
    ]]);
    $answer = file_get_contents(OCRCH . "/api/v1/service$path", false, $context);
    if ($answer === false || !preg_match('~^HTTP/\S+ 20[01]~', $http_response_header[0])) {
        throw new RuntimeException('Ocrch answered ' . ($http_response_header[0] ?? 'nothing') . ": $answer");
    }
    return json_decode($answer, true, 512, JSON_THROW_ON_ERROR);
}

/** Creates an order; its id in this shop and the page where it is paid. */
function order(string $product): array
{
    $id = "$product-" . bin2hex(random_bytes(16)); // nobody can guess it, so its page needs no login
    ['name' => $name, 'price' => $price] = PRODUCTS[$product];
    books(function (array &$books) use ($id, $product, $price) {
        $books['orders'][$id] = ['product' => $product, 'amount' => $price, 'status' => 'pending', 'created_at' => date('c')];
    });
    $ask = [
        'order_id' => $id,
        'amount' => $price,
        'description' => $name,
        'webhook_url' => SHOP_URL . '/ocrch-webhook',
        'success_url' => SHOP_URL . "/orders/$id",
        'cancel_url' => SHOP_URL . "/orders/$id",
    ];
    // With the key, asking again never makes a second order: a lost answer is no reason to give up.
    try {
        $created = ocrch('/orders', $ask, ["Idempotency-Key: $id"]);
    } catch (RuntimeException) {
        $created = ocrch('/orders', $ask, ["Idempotency-Key: $id"]);
    }
    books(function (array &$books) use ($id, $created) {
        $books['orders'][$id]['ocrch_id'] = $created['order_id'];
        $books['orders'][$id]['checkout_url'] = $created['checkout_url'];
    });
    return ['id' => $id, 'checkout_url' => $created['checkout_url']];
}

// ---- Webhooks: nothing is believed before the signature is verified.

const MAX_AGE = 300; // seconds: what is older may be somebody's recording

function is_genuine(string $header, string $body): bool
{
    if (!preg_match('~^(\d{1,12})\.([A-Za-z0-9+/]+=*)$~D', $header, $parts)) {
        return false;
    }
    [, $ts, $mac] = $parts;
    $expected = hash_hmac('sha256', "$ts.$body", SECRET, true);
    return abs(time() - (int) $ts) <= MAX_AGE && hash_equals($expected, (string) base64_decode($mac));
}

/**
 * Notes an event and what follows from it, in one write, and acts only then: if it cannot be saved, Ocrch is not answered
 * 200 and tells it again. The same event can come twice: the second time changes nothing.
 */
function receive(string $id, array $event): void
{
    $to_do = books(function (array &$books) use ($id, $event): array {
        if (isset($books['webhooks'][$id])) {
            return [];
        }
        $books['webhooks'][$id] = $event['timestamp'];
        if ($event['event_type'] === 'order_status_changed') {
            return status_changed($books, $event);
        }
        if ($event['event_type'] !== 'unknown_transfer') {
            return [];
        }
        $books['strays'][] = $event;
        return ["money that belongs to no order: transfer {$event['transfer_id']} on {$event['blockchain']}; Ocrch's dashboard shows it"];
    });
    foreach ($to_do as $line) {
        error_log($line); // here goes your own work, such as shipping
    }
}

/** Changes the books, and gives what is to be done about it. */
function status_changed(array &$books, array $event): array
{
    $id = $event['merchant_order_id'];
    $order = $books['orders'][$id] ?? null;
    if (!$order || $order['amount'] !== $event['amount'] || ($order['ocrch_id'] ?? $event['order_id']) !== $event['order_id']) {
        return ["an event about an order that is not ours: $id"];
    }
    if ($order['status'] === 'paid') {
        return []; // paid stays paid
    }
    $books['orders'][$id]['status'] = $event['status'];
    $said = ["$id {$event['status']}"];
    return $event['status'] === 'paid' ? [...$said, "ship $id: " . PRODUCTS[$order['product']]['name']] : $said;
}

// ---- Pages.

function escape(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE);
}

function page(string $title, string $content, string $refresh = ''): string
{
    $title = escape($title);
    return <<<HTML
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">$refresh
        <link rel="icon" href="data:,">
        <title>$title</title>
        <style>
          :root { color-scheme: light dark; font: 1.0625rem/1.5 system-ui, sans-serif; }
          body { max-width: 34rem; margin: 2rem auto; padding: 0 1rem; }
          li { display: flex; justify-content: space-between; align-items: center; gap: 1rem; margin: 1rem 0; }
          ul { padding: 0; } button { font: inherit; padding: .5rem 1.25rem; }
        </style>
        <h1>$title</h1>
        $content
        </html>
        HTML;
}

function shop_page(): string
{
    $items = '';
    foreach (PRODUCTS as $key => ['name' => $name, 'price' => $price]) {
        $name = escape($name);
        $button = "<button name=\"product\" value=\"$key\" aria-label=\"Buy $name\">Buy</button>";
        $items .= "<li>$name, $price <form method=\"post\" action=\"/buy\">$button</form></li>";
    }
    return page('The corner shop', "<ul>$items</ul><p>Paid in USDT, USDC or DAI.</p>");
}

const STATUS = [
    'pending' => 'We are waiting for your payment. This page looks again every few seconds.',
    'paid' => 'Paid. Thank you! We are packing it.',
    'expired' => 'The time to pay is over. If you did pay, write to us: we see it.',
    'cancelled' => 'Cancelled. Nothing was charged.',
];

function order_page(string $id, array $order): string
{
    $pending = $order['status'] === 'pending';
    $pay = $pending && isset($order['checkout_url']) ? '<p><a href="' . escape($order['checkout_url']) . '">Pay now</a></p>' : '';
    $content = '<p>' . escape(PRODUCTS[$order['product']]['name']) . ", {$order['amount']}</p>"
        . "<p role=\"status\"><strong>{$order['status']}</strong>: " . STATUS[$order['status']] . "</p>$pay<p><a href=\"/\">Back to the shop</a></p>";
    return page("Order $id", $content, $pending ? '<meta http-equiv="refresh" content="3">' : '');
}

// ---- Requests.

function buy(): void
{
    $product = $_POST['product'] ?? '';
    if (!is_string($product) || !isset(PRODUCTS[$product])) {
        http_response_code(400);
        echo page('We do not sell that', '');
        return;
    }
    $order = order($product);
    // A page with ocrch.js wants the address, a form wants to be sent there.
    if (str_contains($_SERVER['HTTP_ACCEPT'] ?? '', 'application/json')) {
        http_response_code(201);
        header('Content-Type: application/json');
        if (PAGES !== '') {
            header('Access-Control-Allow-Origin: ' . PAGES);
        }
        echo json_encode($order, JSON_UNESCAPED_SLASHES);
        return;
    }
    header("Location: {$order['checkout_url']}", true, 303);
}

function webhook(): void
{
    $body = file_get_contents('php://input', length: 64 * 1024); // the bytes as they came: parsed and written anew they would not fit their signature
    if (!is_genuine($_SERVER['HTTP_OCRCH_SIGNATURE'] ?? '', $body)) {
        http_response_code(401);
        return;
    }
    receive($_SERVER['HTTP_WEBHOOK_ID'], json_decode($body, true, 512, JSON_THROW_ON_ERROR));
    http_response_code(200); // exactly 200: anything else, and it comes again
}

function show(string $path): void
{
    $id = preg_match('~^/orders/([\w-]+)$~D', $path, $parts) ? $parts[1] : '';
    $order = books(fn (array &$books) => $books['orders'][$id] ?? null);
    if ($order === null) {
        http_response_code(404);
        echo page('There is nothing here', '');
        return;
    }
    echo order_page($id, $order);
}

try {
    $path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
    match ("{$_SERVER['REQUEST_METHOD']} $path") {
        'GET /' => print shop_page(),
        'POST /buy' => buy(),
        'POST /ocrch-webhook' => webhook(),
        default => show((string) $path),
    };
} catch (Throwable $error) {
    error_log((string) $error);
    http_response_code(502);
    echo page('That did not work', '<p>Nothing was charged. Please try again in a minute.</p>');
}

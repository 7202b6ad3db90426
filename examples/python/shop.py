"""A complete small shop in front of Ocrch, in one file, with nothing but Python's standard library (3.10 or newer).

   a customer orders  ->  create the order at Ocrch, send the customer to its page
   Ocrch tells        ->  verify the webhook, note what happened, ship once

Settings come from the environment; the README beside this file has them.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import sqlite3
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import closing
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

OCRCH = os.environ.get("OCRCH", "http://127.0.0.1:8080")
SHOP_URL = os.environ.get("SHOP_URL", "http://127.0.0.1:3000")  # where customers and Ocrch reach this shop
PORT = int(os.environ.get("PORT", "3000"))
FILE = os.environ.get("SHOP_FILE", "orders.db")
PAGES = os.environ.get("PAGES")  # the origin of static pages that may order here, see ../static
SECRET = os.environ.get("MERCHANT_SECRET", "").encode()  # merchant.secret in ocrch.toml
if not SECRET:
    sys.exit("set MERCHANT_SECRET to merchant.secret of ocrch.toml")

# Amounts are texts, never floats: 0.1 + 0.2 is not 0.3.
PRODUCTS = {"mug": ("A very good mug", "19.99"), "beans": ("A bag of beans", "12.50")}


# ---- The books: one SQLite file.


def books() -> sqlite3.Connection:
    db = sqlite3.connect(FILE, timeout=10, isolation_level=None)
    db.row_factory = sqlite3.Row
    return db


def open_books():
    with closing(books()) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(
            """CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, product TEXT NOT NULL, amount TEXT NOT NULL,
               status TEXT NOT NULL DEFAULT 'pending', ocrch_id TEXT, checkout_url TEXT)"""
        )
        db.execute("CREATE TABLE IF NOT EXISTS webhooks (id TEXT PRIMARY KEY, event TEXT NOT NULL)")


# ---- Ocrch's Service API: every body is signed.


def mac(message: bytes) -> bytes:
    return hmac.new(SECRET, message, hashlib.sha256).digest()


class Refused(ValueError):
    """Ocrch has answered, and not with an order: it says why."""


def ocrch(path: str, ask: dict, headers: dict) -> dict:
    body = json.dumps(ask).encode()  # what is signed must be what is sent, to the byte
    ts = int(time.time())
    signature = base64.b64encode(mac(f"{ts}.".encode() + body)).decode()
    headers = {"Content-Type": "application/json", "Ocrch-Signature": f"{ts}.{signature}"} | headers
    request = urllib.request.Request(f"{OCRCH}/api/v1/service{path}", body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        raise Refused(f"Ocrch answered {refusal.code}: {refusal.read().decode()}") from refusal


def order(product: str) -> tuple[str, str]:
    """Creates an order; its id in this shop and the page where it is paid."""
    name, price = PRODUCTS[product]
    number = f"{product}-{uuid.uuid4()}"  # nobody can guess it, so its page needs no login
    with closing(books()) as db:
        db.execute("INSERT INTO orders (id, product, amount) VALUES (?, ?, ?)", (number, product, price))
    ask = {
        "order_id": number,
        "amount": price,
        "description": name,
        "webhook_url": f"{SHOP_URL}/ocrch-webhook",
        "success_url": f"{SHOP_URL}/orders/{number}",
        "cancel_url": f"{SHOP_URL}/orders/{number}",
    }
    # With the key, asking again never makes a second order: a lost answer is no reason to give up.
    try:
        created = ocrch("/orders", ask, {"Idempotency-Key": number})
    except OSError:
        created = ocrch("/orders", ask, {"Idempotency-Key": number})
    with closing(books()) as db:
        db.execute(
            "UPDATE orders SET ocrch_id = ?, checkout_url = ? WHERE id = ?",
            (created["order_id"], created["checkout_url"], number),
        )
    return number, created["checkout_url"]


# ---- Webhooks: nothing is believed before the signature is verified.

MAX_AGE = 300  # seconds: what is older may be somebody's recording


def is_genuine(header: str, body: bytes) -> bool:
    parts = re.fullmatch(r"([0-9]{1,12})\.([A-Za-z0-9+/]+)=*", header)
    if not parts or abs(time.time() - int(parts[1])) > MAX_AGE:
        return False
    try:
        given = base64.b64decode(parts[2] + "=" * (-len(parts[2]) % 4))
    except binascii.Error:
        return False
    return hmac.compare_digest(given, mac(parts[1].encode() + b"." + body))


def receive(webhook_id: str, event: dict):
    """Notes an event and what follows from it, in one transaction, and acts only then: if it cannot be saved, Ocrch is not
    answered 200 and tells it again. The same event can come twice: the second time changes nothing."""
    to_do = []
    with closing(books()) as db:
        db.execute("BEGIN IMMEDIATE")
        new = db.execute("INSERT OR IGNORE INTO webhooks VALUES (?, ?)", (webhook_id, json.dumps(event))).rowcount
        if new and event["event_type"] == "order_status_changed":
            to_do = status_changed(db, event)
        if new and event["event_type"] == "unknown_transfer":
            transfer = f"transfer {event['transfer_id']} on {event['blockchain']}"
            to_do = [f"money that belongs to no order: {transfer}; Ocrch's dashboard shows it"]
        db.execute("COMMIT")
    for line in to_do:
        print(line, flush=True)  # here goes your own work, such as shipping


def status_changed(db: sqlite3.Connection, event: dict) -> list[str]:
    """Changes the books, and gives what is to be done about it."""
    number = event["merchant_order_id"]
    found = db.execute("SELECT * FROM orders WHERE id = ?", (number,)).fetchone()
    if not found or found["amount"] != event["amount"] or found["ocrch_id"] not in (None, event["order_id"]):
        return [f"an event about an order that is not ours: {number}"]
    if found["status"] == "paid":
        return []  # paid stays paid
    db.execute("UPDATE orders SET status = ? WHERE id = ?", (event["status"], number))
    said = [f"{number} {event['status']}"]
    return [*said, f"ship {number}: {PRODUCTS[found['product']][0]}"] if event["status"] == "paid" else said


# ---- Pages.


def page(title: str, content: str, refresh: str = "") -> str:
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">{refresh}
<title>{escape(title)}</title>
<style>
  :root {{ color-scheme: light dark; font: 1.0625rem/1.5 system-ui, sans-serif; }}
  body {{ max-width: 34rem; margin: 2rem auto; padding: 0 1rem; }}
  li {{ display: flex; justify-content: space-between; align-items: center; gap: 1rem; margin: 1rem 0; }}
  ul {{ padding: 0; }} button {{ font: inherit; padding: .5rem 1.25rem; }}
</style>
<h1>{escape(title)}</h1>
{content}
</html>"""


def shop_page() -> str:
    items = "".join(
        f'<li>{escape(name)}, {price} <form method="post" action="/buy">'
        f'<button name="product" value="{key}" aria-label="Buy {escape(name)}">Buy</button></form></li>'
        for key, (name, price) in PRODUCTS.items()
    )
    return page("The corner shop", f"<ul>{items}</ul><p>Paid in USDT, USDC or DAI.</p>")


STATUS = {
    "pending": "We are waiting for your payment. This page looks again every few seconds.",
    "paid": "Paid. Thank you! We are packing it.",
    "expired": "The time to pay is over. If you did pay, write to us: we see it.",
    "cancelled": "Cancelled. Nothing was charged.",
}


def order_page(found: sqlite3.Row) -> str:
    pending = found["status"] == "pending"
    pay = f'<p><a href="{escape(found["checkout_url"])}">Pay now</a></p>' if pending and found["checkout_url"] else ""
    content = f"""<p>{escape(PRODUCTS[found["product"]][0])}, {found["amount"]}</p>
<p role="status"><strong>{found["status"]}</strong>: {STATUS[found["status"]]}</p>{pay}<p><a href="/">Back to the shop</a></p>"""
    refresh = '\n<meta http-equiv="refresh" content="3">' if pending else ""
    return page(f"Order {found['id']}", content, refresh)


# ---- Requests.


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/":
            return self.send(200, shop_page())
        with closing(books()) as db:
            found = db.execute("SELECT * FROM orders WHERE ? = '/orders/' || id", (path,)).fetchone()
        self.send(200, order_page(found)) if found else self.send(404, page("There is nothing here", ""))

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        if size > 64 * 1024:
            return self.send(413, "")
        body = self.rfile.read(size)  # the bytes as they came: parsed and written anew they would not fit their signature
        actions = {"/buy": self.buy, "/ocrch-webhook": self.webhook}
        action = actions.get(urlsplit(self.path).path, lambda _: self.send(404, page("There is nothing here", "")))
        try:
            action(body)
        except (OSError, sqlite3.Error, ValueError, KeyError) as error:
            print("failed:", error, file=sys.stderr, flush=True)
            self.send(502, page("That did not work", "<p>Nothing was charged. Please try again in a minute.</p>"))

    def buy(self, body: bytes):
        product = parse_qs(body.decode()).get("product", [""])[0]
        if product not in PRODUCTS:
            return self.send(400, page("We do not sell that", ""))
        number, checkout_url = order(product)
        # A page with ocrch.js wants the address, a form wants to be sent there.
        if "application/json" in self.headers.get("Accept", ""):
            answer = json.dumps({"id": number, "checkout_url": checkout_url})
            readers = {"Access-Control-Allow-Origin": PAGES} if PAGES else {}
            return self.send(201, answer, {"Content-Type": "application/json"} | readers)
        self.send(303, "", {"Location": checkout_url})

    def webhook(self, body: bytes):
        if not is_genuine(self.headers.get("Ocrch-Signature", ""), body):
            return self.send(401, "")
        receive(self.headers["webhook-id"], json.loads(body))
        self.send(200, "")  # exactly 200: anything else, and it comes again

    def send(self, status: int, text: str, headers: dict = {}):
        content = text.encode()
        self.send_response(status)
        for name, value in ({"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass  # what matters is printed where it happens


if __name__ == "__main__":
    open_books()
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Shop)
    print(f"the shop is open: {SHOP_URL}", flush=True)
    server.serve_forever()

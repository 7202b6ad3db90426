-- What the admin sees and does.

-- How the webhook of an order's present status fares: kept with the order, since events are forgotten in time.
ALTER TABLE orders ADD COLUMN webhook_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN webhook_tried_at INTEGER;
ALTER TABLE orders ADD COLUMN webhook_success_at INTEGER;
UPDATE orders SET (webhook_failures, webhook_tried_at, webhook_success_at) =
    (SELECT e.attempts - (e.state = 'delivered'), e.last_tried_at, e.delivered_at FROM events e
     WHERE e.id = (SELECT max(id) FROM events WHERE order_id = orders.id))
    WHERE EXISTS (SELECT 1 FROM events WHERE order_id = orders.id);

-- Chain and coin of the payment that the order shows.
ALTER TABLE orders ADD COLUMN payment_chain TEXT;
ALTER TABLE orders ADD COLUMN payment_coin TEXT;
UPDATE orders SET (payment_chain, payment_coin) =
    (SELECT t.blockchain, t.stablecoin FROM transfers t WHERE t.id = orders.shown_transfer)
    WHERE shown_transfer IS NOT NULL;

-- An unmatched transfer that the admin does not want to see any more.
ALTER TABLE transfers ADD COLUMN ignored INTEGER NOT NULL DEFAULT 0 CHECK (ignored IN (0, 1));

-- Every list goes from the newest to the oldest along one of these.
CREATE INDEX orders_by_time ON orders (created_at);
CREATE INDEX orders_by_status ON orders (status, created_at);
CREATE INDEX orders_by_merchant_id ON orders (merchant_order_id, created_at);
CREATE INDEX orders_by_payment ON orders (payment_chain, payment_coin, created_at) WHERE payment_chain IS NOT NULL;
CREATE INDEX orders_by_payment_chain ON orders (payment_chain, created_at) WHERE payment_chain IS NOT NULL;
CREATE INDEX orders_by_payment_coin ON orders (payment_coin, created_at) WHERE payment_chain IS NOT NULL;

CREATE INDEX deposits_open ON deposits (opened_at) WHERE status = 'open';
CREATE INDEX deposits_open_by_chain ON deposits (blockchain, opened_at) WHERE status = 'open';
CREATE INDEX deposits_open_by_coin ON deposits (stablecoin, opened_at) WHERE status = 'open';
-- For what a stray transfer may have been meant.
CREATE INDEX deposits_by_time ON deposits (opened_at);
CREATE INDEX deposits_by_amount ON deposits (micros, opened_at);

CREATE INDEX transfers_by_time ON transfers (created_at);
CREATE INDEX transfers_by_status ON transfers (status, created_at);
CREATE INDEX transfers_by_wallet ON transfers (recipient, created_at);
CREATE INDEX transfers_by_wallet_and_status ON transfers (recipient, status, created_at);
CREATE INDEX transfers_by_chain ON transfers (blockchain, created_at);
CREATE INDEX transfers_by_coin ON transfers (stablecoin, created_at);
CREATE INDEX transfers_by_hash ON transfers (txn_hash, created_at);
CREATE INDEX transfers_unmatched ON transfers (created_at) WHERE status = 'no_matched_deposit' AND ignored = 0;

-- Webhooks that need a look, and the others.
CREATE INDEX events_failing ON events (created_at) WHERE state = 'given_up' OR state = 'queued' AND attempts > 0;
CREATE INDEX events_sound ON events (created_at) WHERE NOT (state = 'given_up' OR state = 'queued' AND attempts > 0);
CREATE INDEX events_by_transfer ON events (transfer_id) WHERE transfer_id IS NOT NULL;

-- What happened, in the order of commits: one thread writes, so that a greater id was never committed earlier.
CREATE TABLE changes (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    at             INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    order_id       INTEGER REFERENCES orders (id),
    status         TEXT,                                 -- of the order, from this change on
    closed_at      INTEGER,
    shown_transfer INTEGER REFERENCES transfers (id),
    transfer_id    INTEGER REFERENCES transfers (id)     -- for changes of a transfer
) STRICT;
CREATE INDEX changes_by_age ON changes (at);
CREATE INDEX changes_by_order ON changes (order_id) WHERE order_id IS NOT NULL;

-- What admins did.
CREATE TABLE audit (
    id          INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    client      TEXT NOT NULL,                           -- the address that the request came from
    action      TEXT NOT NULL,
    order_id    INTEGER REFERENCES orders (id),
    transfer_id INTEGER REFERENCES transfers (id),
    reason      TEXT,
    detail      TEXT
) STRICT;
CREATE INDEX audit_by_order ON audit (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX audit_by_transfer ON audit (transfer_id) WHERE transfer_id IS NOT NULL;

-- Counts by UTC day: of orders created, and of orders by their terminal status at the day on which they got it.
CREATE TABLE daily_orders (
    day    INTEGER NOT NULL,                             -- days since 1970-01-01
    what   TEXT NOT NULL,                                -- 'created' or a terminal status
    orders INTEGER NOT NULL,
    PRIMARY KEY (day, what)
) STRICT, WITHOUT ROWID;
INSERT INTO daily_orders SELECT created_at / 86400, 'created', count(*) FROM orders GROUP BY 1;
INSERT INTO daily_orders SELECT closed_at / 86400, status, count(*) FROM orders WHERE closed_at IS NOT NULL GROUP BY 1, 2;

-- What paid orders on a UTC day, exactly: transfers by chain and coin; without either, orders that an admin marked as paid.
CREATE TABLE daily_payments (
    day        INTEGER NOT NULL,
    blockchain TEXT NOT NULL,
    stablecoin TEXT NOT NULL,
    orders     INTEGER NOT NULL,
    amount     TEXT NOT NULL,                            -- canonical decimal
    PRIMARY KEY (day, blockchain, stablecoin)
) STRICT, WITHOUT ROWID;
-- Before this version only transfers paid, each exactly the millionths of its deposit.
INSERT INTO daily_payments
    SELECT day, blockchain, stablecoin, orders,
           rtrim(rtrim(printf('%d.%06d', coins + millionths / 1000000, millionths % 1000000), '0'), '.')
    FROM (SELECT o.closed_at / 86400 AS day, t.blockchain, t.stablecoin, count(*) AS orders,
                 sum(d.micros / 1000000) AS coins, sum(d.micros % 1000000) AS millionths
          FROM orders o JOIN deposits d ON d.order_id = o.id JOIN transfers t ON t.fulfillment = d.id
          WHERE o.status = 'paid' GROUP BY 1, 2, 3);

-- What merchants ask to be paid.
CREATE TABLE orders (
    id                INTEGER PRIMARY KEY,
    order_id          TEXT NOT NULL UNIQUE,              -- the public UUID
    merchant_order_id TEXT NOT NULL,
    amount            TEXT NOT NULL,                     -- as the merchant wrote it
    status            TEXT NOT NULL CHECK (status IN ('pending', 'paid', 'expired', 'cancelled')),
    webhook_url       TEXT NOT NULL,
    expecting_address TEXT,
    blockchain        TEXT,                              -- pre-selected
    stablecoin        TEXT,
    description       TEXT,
    success_url       TEXT,
    cancel_url        TEXT,
    created_at        INTEGER NOT NULL,                  -- Unix seconds, as all times here but *_ms
    expires_at        INTEGER NOT NULL,
    closed_at         INTEGER CHECK ((closed_at IS NULL) = (status = 'pending')),
    shown_transfer    INTEGER REFERENCES transfers (id)  -- the payment under way, or the one that paid
) STRICT;
CREATE INDEX orders_pending_by_expiry ON orders (expires_at) WHERE status = 'pending';

-- Promises shown to shoppers: exactly this value to this wallet.
CREATE TABLE deposits (
    id              INTEGER PRIMARY KEY,
    order_id        INTEGER NOT NULL REFERENCES orders (id),
    blockchain      TEXT NOT NULL,
    stablecoin      TEXT NOT NULL,
    wallet          TEXT NOT NULL,
    micros          INTEGER NOT NULL CHECK (micros > 0), -- the value in millionths of a coin
    expected_sender TEXT,
    opened_at       INTEGER NOT NULL,
    opened_head     INTEGER,                             -- the chain's head when it was opened, if known
    after_transfer  INTEGER NOT NULL,                    -- the last transfer stored before it
    status          TEXT NOT NULL CHECK (status IN ('open', 'fulfilled', 'closed')),
    closed_at       INTEGER CHECK ((closed_at IS NULL) = (status = 'open')),
    holds_value     INTEGER NOT NULL CHECK (holds_value IN (0, 1)), -- no other deposit may have this value
    transfer_seen   INTEGER NOT NULL DEFAULT 0 CHECK (transfer_seen IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX deposits_one_open_per_pair ON deposits (order_id, blockchain, stablecoin) WHERE status = 'open';
CREATE UNIQUE INDEX deposits_held_values
    ON deposits (blockchain, wallet, stablecoin, micros, ifnull(expected_sender, '')) WHERE holds_value = 1;
CREATE INDEX deposits_by_order ON deposits (order_id);
CREATE INDEX deposits_by_value ON deposits (blockchain, wallet, stablecoin, micros, closed_at);
CREATE INDEX deposits_open_by_value ON deposits (blockchain, wallet, stablecoin, micros) WHERE status = 'open';

-- Token Transfer events to our wallets. The unique key is what tells one from every other, whoever reported it.
CREATE TABLE transfers (
    id              INTEGER PRIMARY KEY,
    blockchain      TEXT NOT NULL,
    stablecoin      TEXT NOT NULL,
    txn_hash        TEXT NOT NULL,
    contract        TEXT NOT NULL,
    sender          TEXT NOT NULL,
    recipient       TEXT NOT NULL,
    units           TEXT NOT NULL,                       -- base units of the token
    ordinal         INTEGER NOT NULL,                    -- among equal events of the transaction
    value           TEXT NOT NULL,                       -- the units as canonical decimal
    block_number    INTEGER NOT NULL,
    block_hash      TEXT NOT NULL,
    block_timestamp INTEGER NOT NULL,
    mined_at        INTEGER NOT NULL,                    -- time of the earliest block it was seen in
    highest_block   INTEGER NOT NULL,                    -- of all blocks it was seen in
    status          TEXT NOT NULL CHECK (status IN
        ('waiting_for_confirmation', 'failed_to_confirm', 'waiting_for_match', 'no_matched_deposit', 'matched')),
    confirmations   INTEGER NOT NULL,
    required        INTEGER NOT NULL,                    -- confirmations that the chain's rule asked for
    created_at      INTEGER NOT NULL,
    waiting_since   INTEGER NOT NULL,                    -- when it was first seen, or came back
    failed_at       INTEGER,
    watched         INTEGER NOT NULL CHECK (watched IN (0, 1)), -- still looked up at its chain
    candidate       INTEGER REFERENCES deposits (id),    -- the deposit it will pay once confirmed
    fulfillment     INTEGER UNIQUE REFERENCES deposits (id), -- the deposit it paid
    tail_dropped    INTEGER NOT NULL DEFAULT 0 CHECK (tail_dropped IN (0, 1)), -- paid the bare value while tails were open
    vanished        INTEGER NOT NULL DEFAULT 0 CHECK (vanished IN (0, 1)), -- paid an order, then left the chain
    UNIQUE (blockchain, txn_hash, contract, sender, recipient, units, ordinal),
    CHECK ((fulfillment IS NOT NULL) = (status = 'matched'))
) STRICT;
CREATE INDEX transfers_watched ON transfers (blockchain, block_number) WHERE watched = 1;
CREATE INDEX transfers_by_candidate ON transfers (candidate) WHERE candidate IS NOT NULL;

-- How far each wallet's chain has been read.
CREATE TABLE cursors (
    blockchain  TEXT NOT NULL,
    wallet      TEXT NOT NULL,
    first_block INTEGER NOT NULL,
    scanned_to  INTEGER NOT NULL,
    PRIMARY KEY (blockchain, wallet)
) STRICT, WITHOUT ROWID;

-- The outbox: webhooks to send, queued by the transaction that made the change.
CREATE TABLE events (
    id              INTEGER PRIMARY KEY,
    webhook_id      TEXT NOT NULL UNIQUE,                -- the same for all attempts
    kind            TEXT NOT NULL CHECK (kind IN ('order_status_changed', 'unknown_transfer')),
    order_id        INTEGER REFERENCES orders (id),
    transfer_id     INTEGER REFERENCES transfers (id),
    url             TEXT NOT NULL,
    origin          TEXT NOT NULL,                       -- of the URL: origins do not wait for each other
    body            TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('queued', 'delivered', 'superseded', 'given_up')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_ms INTEGER NOT NULL,
    last_tried_at   INTEGER,
    delivered_at    INTEGER
) STRICT;
CREATE INDEX events_due ON events (origin, next_attempt_ms) WHERE state = 'queued';
CREATE INDEX events_queued_by_order ON events (order_id) WHERE state = 'queued';
CREATE INDEX events_by_age ON events (created_at) WHERE state <> 'queued';
CREATE INDEX events_by_order ON events (order_id) WHERE order_id IS NOT NULL;

CREATE TABLE attempts (
    id         INTEGER PRIMARY KEY,
    event_id   INTEGER NOT NULL REFERENCES events (id),
    tried_at   INTEGER NOT NULL,
    status     INTEGER,                                  -- of the answer, if there was one
    error      TEXT,
    latency_ms INTEGER NOT NULL,
    answer     TEXT NOT NULL                             -- the first 200 bytes
) STRICT;
CREATE INDEX attempts_by_event ON attempts (event_id);
CREATE INDEX attempts_by_age ON attempts (tried_at);

-- Idempotency keys of order creations, kept for a day.
CREATE TABLE idempotency_keys (
    idempotency_key TEXT PRIMARY KEY,
    body_hash       BLOB NOT NULL,
    order_id        INTEGER NOT NULL REFERENCES orders (id),
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Signatures of order creations, so that a replayed request never makes a second order.
CREATE TABLE creations (
    signed_at INTEGER NOT NULL,
    mac       BLOB NOT NULL,
    order_id  INTEGER NOT NULL REFERENCES orders (id),
    PRIMARY KEY (signed_at, mac)
) STRICT, WITHOUT ROWID;

-- Deposits that customers were shown by a database which a restored backup replaced, and that the backup has not. They may be paid
-- still, so no other order gets their values for as long as those of closed deposits are kept. `ocrch restore` makes this table in
-- files of older versions as well, so it may be there already.
CREATE TABLE IF NOT EXISTS lost_deposits (
    id              INTEGER PRIMARY KEY,
    order_id        TEXT NOT NULL,                       -- the public UUID: of an order that need not be here
    blockchain      TEXT NOT NULL,
    stablecoin      TEXT NOT NULL,
    wallet          TEXT NOT NULL,
    micros          INTEGER NOT NULL,
    expected_sender TEXT,
    closed_at       INTEGER NOT NULL,                    -- of one that was open: when its order would have expired
    transfer_seen   INTEGER NOT NULL CHECK (transfer_seen IN (0, 1)),
    UNIQUE (blockchain, wallet, stablecoin, micros, order_id)
) STRICT;
CREATE INDEX IF NOT EXISTS lost_deposits_by_age ON lost_deposits (closed_at);

-- What shoppers say: "this transaction is my payment". It proves nothing: wallets are public, so anybody can say it.
CREATE TABLE claims (
    id            INTEGER PRIMARY KEY,
    order_id      INTEGER NOT NULL REFERENCES orders (id),
    txn_hash      TEXT NOT NULL,                         -- as its chain writes it
    blockchain    TEXT,                                  -- where it was found
    finding       TEXT NOT NULL,                         -- what it was to the order when last claimed
    claimed_at    INTEGER NOT NULL,                      -- for the first time
    transfer_id   INTEGER REFERENCES transfers (id),
    before_public INTEGER NOT NULL CHECK (before_public IN (0, 1)), -- no chain knew the transaction then
    UNIQUE (order_id, txn_hash)
) STRICT;
CREATE INDEX claims_by_txn_hash ON claims (txn_hash);
CREATE INDEX claims_unfounded ON claims (claimed_at) WHERE transfer_id IS NULL;

-- How much each provider was used in the day (UTC) in which it was used last, so that a restart does not forget it.
CREATE TABLE provider_usage (
    blockchain  TEXT NOT NULL,
    provider    TEXT NOT NULL,     -- kind and host
    nth         INTEGER NOT NULL,  -- of several of one kind at one host
    day         INTEGER NOT NULL,  -- days since 1970-01-01
    requests    INTEGER NOT NULL,
    errors      INTEGER NOT NULL,
    budget_left INTEGER,           -- of its plan, where that has a daily limit; below zero: taken in advance
    budget_at   INTEGER,           -- when that was left, in milliseconds
    PRIMARY KEY (blockchain, provider, nth)
) STRICT, WITHOUT ROWID;

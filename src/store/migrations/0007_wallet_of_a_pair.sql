-- An order may be shown another wallet for the same chain and coin, when the one it was shown has left the configuration; the
-- deposit on that one is honoured all the same.
DROP INDEX deposits_one_open_per_pair;
CREATE UNIQUE INDEX deposits_one_open_per_pair ON deposits (order_id, blockchain, stablecoin, wallet) WHERE status = 'open';

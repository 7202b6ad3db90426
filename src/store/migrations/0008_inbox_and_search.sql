-- An unmatched transfer that was too small to be reported: dust, mostly spam, kept apart from the money that waits for a decision.
ALTER TABLE transfers ADD COLUMN small INTEGER NOT NULL DEFAULT 0 CHECK (small IN (0, 1));
-- By the usual payments.report_from, one cent: which one held when they came is not known. Values are canonical decimals.
UPDATE transfers SET small = 1 WHERE status = 'no_matched_deposit' AND (value = '0' OR value LIKE '0.00%');
CREATE INDEX transfers_unmatched_by_size ON transfers (small, created_at) WHERE status = 'no_matched_deposit' AND ignored = 0;

-- A search with a status reads no order that has another: all that it asks is in the index. The id keeps the order of the list.
DROP INDEX orders_by_merchant_id;
CREATE INDEX orders_by_merchant_id ON orders (merchant_order_id, created_at, id, status);

-- Alarms are found among however many other messages.
CREATE INDEX alerts_by_kind ON alerts (kind);

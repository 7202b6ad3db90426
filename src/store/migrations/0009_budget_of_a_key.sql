-- Which key a budget is of, so that another key does not go on with it: two bytes of a hash, too little to confirm a guess at the key.
ALTER TABLE provider_usage ADD COLUMN budget_key INTEGER;

-- Why a transfer that is deep enough is not confirmed yet: providers must agree first.
ALTER TABLE transfers ADD COLUMN held_back TEXT
    CHECK (held_back IN ('no_second_provider', 'awaiting_second', 'providers_disagree'));

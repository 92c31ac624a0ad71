"""What is remembered of applies: the ledger, and the journal of one run. Pure."""

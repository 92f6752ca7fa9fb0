"""A witness: anyone's own program that co-signs a ledger's checkpoints while the ledger only grows."""

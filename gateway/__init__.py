"""The plant server: admits evidence, keeps the ledger, attributes energy to products, shows it."""

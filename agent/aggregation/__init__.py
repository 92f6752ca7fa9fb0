"""Batch energy from register readings: boundary estimates, bounds, uncertainty. Pure."""

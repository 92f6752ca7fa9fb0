"""Offline recomputation of every published number. No network, no database."""

"""Putting meters into service: finding them, looking at them, copying what they hold. Reads only."""

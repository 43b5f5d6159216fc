"""Upstream data: pinned in a catalogue, fetched, verified whenever it is read."""

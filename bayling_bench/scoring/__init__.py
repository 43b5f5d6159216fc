"""Scorers: text in, per-item values and segment statistics out. No model, no file, no network."""

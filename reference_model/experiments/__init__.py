"""Experiments with the reference model: what they ask stands at the top of each module."""

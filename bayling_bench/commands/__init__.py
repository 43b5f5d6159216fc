"""Verbs whose options need room of their own; ``cli`` registers them."""

"""Verbs with commands of their own, a module each; ``cli`` adds them."""

"""The method in miniature, from nothing to a page: data, training, answers, scores, each step resumed where it stopped.

The reference model is asked as a command of its own; all that is known of it here is the folder that it writes.
"""

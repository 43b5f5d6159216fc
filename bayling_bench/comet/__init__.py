"""COMET in our own code: published checkpoints on the transformers and torch at hand, without unbabel-comet.

``registry`` names checkpoints and ``hub`` fetches them, ``checkpoint`` and ``encoder`` read one, ``network`` runs it,
``scorer`` scores segments in batches (``batches``) over sentence vectors on disk (``vectors``), ``kept`` keeps segment
scores with their signature, ``metric`` is all that as one metric, ``columns`` its values for a run's items.
``reference`` holds unbabel-comet in an environment of its own, as the yardstick of ``verify``.

This stands outside ``scoring``, which knows neither torch nor transformers and scores one document at a time: COMET
needs both, and batches over whole test sets.
"""

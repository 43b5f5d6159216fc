"""Wilson's interval of a plain share: a formula, where a bootstrap of few items would stick at 0 or 1."""

from __future__ import annotations

from statistics import NormalDist

from bayling_bench.statistics.bootstrap import Interval


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Return the score interval of a share (Wilson, 1927), between 0 and 1; for n = 0 all of that, as nothing is known.

    It holds its level for few items and for shares near 0 and 1, where mean ± 2 standard errors does not. Items must be
    independent: where several share a passage, use `bootstrap_mean` with clusters.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, spread = successes / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * (share * (1 - share) / n + spread / (4 * n)) ** 0.5 / (1 + spread)
    # Exactly 0 and 1 at the ends, where rounding would leave the bound a hair outside.
    return Interval(0.0 if successes == 0 else centre - half, 1.0 if successes == n else centre + half)

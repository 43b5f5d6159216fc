"""How small a difference a test set can show: minimum detectable differences of paired comparisons.

With the usual 80 % power and 5 % two-sided level, a difference is detectable if it is 2.8 standard errors.
"""

from __future__ import annotations

from statistics import NormalDist


def detectable_difference(standard_error: float, *, power: float = 0.8, level: float = 0.05) -> float:
    """Return the smallest true difference found with ``power``, in the unit of ``standard_error``.

    The standard error is that of the difference, as `paired_test` gives it for any metric.
    """
    return (_quantile(1 - level / 2) + _quantile(power)) * standard_error


def detectable_mean(n: int, deviation: float, *, power: float = 0.8, level: float = 0.05) -> float:
    """Return the detectable difference of two means over the same ``n`` items.

    ``deviation`` is the standard deviation of the items' differences. Raises ValueError for n < 1.
    """
    if n < 1:
        raise ValueError(f"n = {n} items")
    return detectable_difference(deviation / n**0.5, power=power, level=level)


def detectable_share(n: int, discordant: float = 0.5, *, power: float = 0.8, level: float = 0.05) -> float | None:
    """Return the detectable difference of two shares over the same ``n`` items, or None if no difference is.

    ``discordant`` is the share of items on which the two systems differ; for systems that err independently of each
    other and are right half of the time it is 0.5, the worst case, and related systems differ less. McNemar's test by
    the formula of Connor (1987), Biometrics 43:207, solved for the difference, which cannot exceed ``discordant``.
    """
    if n < 1 or not 0 < discordant <= 1:
        raise ValueError(f"n = {n} items of which a share of {discordant} differ")

    def needed(difference: float) -> float:
        spread = (discordant - difference**2) ** 0.5
        return ((_quantile(1 - level / 2) * discordant**0.5 + _quantile(power) * spread) / difference) ** 2

    if needed(discordant) > n:
        return None
    low, high = 0.0, discordant
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if needed(middle) > n else (low, middle)
    return high


def _quantile(share: float) -> float:
    return NormalDist().inv_cdf(share)

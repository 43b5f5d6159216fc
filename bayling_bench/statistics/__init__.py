"""Intervals, paired tests, rankings and strengths: arrays in, numbers out.

Every score here is a function of sums over items (BLEU, chrF, TER, means, ratios, win counts), so one kind of input
serves all: rows of statistics, [items, k], and an ``aggregate`` that maps sums, [..., k], to scores.
"""

from bayling_bench.statistics.agreement import cohen_kappa, pearson, spearman
from bayling_bench.statistics.bootstrap import (
    Aggregate,
    Interval,
    Stratum,
    Sums,
    bootstrap_interval,
    bootstrap_mean,
    bootstrap_scores,
    by_cluster,
    join,
    macro_interval,
    percentile_interval,
    ratio,
)
from bayling_bench.statistics.bradley_terry import Strengths, bradley_terry, strengths
from bayling_bench.statistics.length_control import LengthControlled, length_controlled
from bayling_bench.statistics.paired import PairedTest, Pairs, all_pairs, paired_test
from bayling_bench.statistics.power import detectable_difference, detectable_mean, detectable_share
from bayling_bench.statistics.proportion import wilson
from bayling_bench.statistics.ranking import Place, holm, holm_pairs, rank

__all__ = [
    "Aggregate",
    "Interval",
    "LengthControlled",
    "PairedTest",
    "Pairs",
    "Place",
    "Stratum",
    "Strengths",
    "Sums",
    "all_pairs",
    "bootstrap_interval",
    "bootstrap_mean",
    "bootstrap_scores",
    "bradley_terry",
    "by_cluster",
    "cohen_kappa",
    "detectable_difference",
    "detectable_mean",
    "detectable_share",
    "holm",
    "holm_pairs",
    "join",
    "length_controlled",
    "macro_interval",
    "paired_test",
    "pearson",
    "percentile_interval",
    "rank",
    "ratio",
    "spearman",
    "strengths",
    "wilson",
]

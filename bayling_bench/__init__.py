"""BayLing Bench: evaluates multilingual instruction models on BayLing's four evaluations and reproduces the paper."""

__version__ = "0.1.0"

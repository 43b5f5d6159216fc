"""The reference model: interactive-translation data, training, checkpoints and released weight differences of BayLing."""

"""The reference model: interactive-translation data, training, checkpoints and weight differences of BayLing."""

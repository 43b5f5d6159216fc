"""A board's systems, and runs beside them, ranked: what a paper's table could not say.

``contest`` computes one task or average: values with intervals, the tests of every pair with Holm's correction, ranges
of ranks; ``strengths`` makes one ranking of pairwise reviews; ``board`` goes through a whole board, in parallel;
``grids``, ``formats`` and ``readme`` write the result; ``kept`` keeps it.
"""

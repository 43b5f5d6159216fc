"""The audit of a board: every published figure computed again from released outputs, or the reason why it cannot be.

``rows`` goes through the figures and gives each a verdict; ``measures`` names what can be computed, in ``exams``,
``judge``, ``translation`` and ``cells``; ``explain`` verifies the board's explanations; ``formats`` and ``readme``
write the result.
"""

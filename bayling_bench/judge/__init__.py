"""Judging: the harness's one line once more, with answers as documents, a judge as the model, judgements as output.

`answers`, `sources` and `items` say what is judged, `protocol` how it is asked, `client` asks, `completions` keeps
every reply, `judgements` reads verdicts from them, `aggregate` adds them up, `calibration` says how far the judge is to
be trusted.
"""

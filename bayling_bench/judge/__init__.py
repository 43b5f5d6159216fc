"""Judging: the harness's one line once more, with answers as documents, a judge as the model, judgements as output.

`sources`, `answers` and `items` say what is judged, `protocol` how; `client` asks and `completions` keeps every reply;
`judgements` reads verdicts from them, `aggregate` adds them up; `calibrate` says how far a judge can be trusted.
"""

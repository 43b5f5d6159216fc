"""Our scores beside unbabel-comet's, of the same segments and checkpoint, in fp32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bayling_bench.comet import reference
from bayling_bench.comet.metric import Metric
from bayling_bench.comet.scorer import Segment
from bayling_bench.data import mini
from bayling_bench.errors import DataError

TOLERANCE = 1e-5
"""Largest difference of segment scores that two orders of summing may make."""


@dataclass(frozen=True)
class Verdict:
    """How the two agree."""

    segments: Sequence[Segment]
    ours: list[float]
    theirs: list[float]

    @property
    def differences(self) -> list[float]:
        """Return the absolute difference of each segment."""
        return [abs(one - other) for one, other in zip(self.ours, self.theirs, strict=True)]

    @property
    def agree(self) -> bool:
        """Return whether no segment differs by more than `TOLERANCE`."""
        return max(self.differences) <= TOLERANCE


def verify(metric: Metric, segments: Sequence[Segment], say: Callable[[str], None] = lambda _: None) -> Verdict:
    """Return both scores of each segment. ModelError when unbabel-comet is not installed, or fails."""
    say(f"scoring {len(segments)} segments with unbabel-comet")
    asked = reference.Job(checkpoint=metric.checkpoint.file, systems=[segments], encoders=metric.encoder_folders)
    theirs = reference.run(asked).scores[0]
    say("scoring them ourselves")
    return Verdict(segments, metric.score(segments, "given"), theirs)


def read_segments(source: Path, hypothesis: Path, reference_file: Path | None) -> list[Segment]:
    """Return the segments of parallel files, a line each. DataError when they differ in length, or cannot be read."""
    paths = [source, hypothesis, *([reference_file] if reference_file else [])]
    columns = [_lines(path) for path in paths]
    for path, lines in zip(paths, columns, strict=True):
        if len(lines) != len(columns[0]):
            raise DataError(
                f"{path} has {len(lines)} lines, {source} has {len(columns[0])}: line n must translate line n. "
                "Bring the files to the same lines; an empty line stands for an empty translation."
            )
    if not columns[0]:
        raise DataError(f"{source} holds no line to score.")
    return [Segment.of(*parts) for parts in zip(*columns, strict=True)]


def samples() -> list[Segment]:
    """Return segments of our own mini data, and those that are hard on tokenizers and batches."""
    documents = mini.load_translation("en", "zh")["test"]
    english, chinese = [doc["source"] for doc in documents], [doc["target"] for doc in documents]
    german = [doc["source"] for doc in mini.load_translation("de", "zh")["test"]]
    plain = list(zip(english, chinese, german, strict=True))
    hard = [
        ("", "", ""),
        ("A source.", "", "A reference."),
        ("今日は良い天気ですね。", "It is fine today 😀👩‍👩‍👧.", "Nice weather today 🙂"),
        (english[0], chinese[0], german[0]),
        (" ".join(english) * 3, "".join(chinese) * 3, " ".join(german) * 3),
        ("a <pad> b", "<pad> c </s> d", "<mask> e"),
        ("a [SEP] b", "c [SEP] d [PAD] e", "[CLS] f"),
        ("x", "ﬁ Ⅳ\u00a0ｶﾀｶﾅ\u200b", "tab\there"),
    ]
    return [Segment.of(*parts) for parts in (*plain, *hard)]


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as UTF-8 text ({error}).") from None
    return text.removesuffix("\n").split("\n") if text else []

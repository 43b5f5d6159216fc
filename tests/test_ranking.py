"""Rankings of boards: values, tests and intervals against outside ones, runs among systems, and mistakes by name.

Expected values: ``expected/reproduced_from_outputs.json`` (plain scorers over the same files) and sacrebleu's own
paired bootstrap.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.significance import PairedTest

from bayling_bench import leaderboard
from bayling_bench.audit.reach import Measured, Sample, percent
from bayling_bench.data import catalogue, published, store, wmt22
from bayling_bench.errors import BenchError
from bayling_bench.leaderboard import BoardError
from bayling_bench.ranking import formats, readme
from bayling_bench.ranking.board import Asked, rank
from bayling_bench.ranking.contest import Absent, Contest, Options, Standing, compare

EXPECTED = json.loads((Path(__file__).parent / "expected" / "reproduced_from_outputs.json").read_text(encoding="utf-8"))
BOARDS = ("bayling_2023", "wmt22_official")
SYSTEMS = ("gpt-3.5-turbo", "bayling-13b", "nllb-3.3b", "vicuna-13b-1.1")
QUICK = Options(resamples=100)

BOARD = """
title = "Made up"
figures = ["figures.csv"]
outputs = "published:{system}"
rules = []
[[rankings]]
title = "Both directions"
metric = "BLEU"
tasks = ["to zh", "to en"]
task_pattern = "to (?P<target>.+)"
systems = ["bayling-13b", "vicuna-13b-1.1"]
measure = "interactive_score"
arguments = { direction = "en-zh", score = "bleu" }
averages = [{ title = "mean" }]
"""


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    folder = tmp_path / "made_up"
    folder.mkdir()
    (folder / "board.toml").write_text(BOARD, encoding="utf-8")
    (folder / "figures.csv").write_text("group,task,system,metric,value,items,source\n", encoding="utf-8")
    return folder


def measured(hits: list[int]) -> Measured:
    rows = np.column_stack([hits, np.ones(len(hits))])
    return Measured(100 * sum(hits) / len(hits), len(hits), sample=Sample([rows], percent, list(range(len(hits)))))


# ---- one contest


def test_a_clear_winner_a_tie_and_their_ranks():
    right, half = [1] * 40, [1, 0] * 20
    standings, pairs = compare(
        {"tied": measured(half), "best": measured(right), "same": measured(half)}, True, Options(resamples=1000)
    )
    assert [(each.system, each.best, each.worst, each.cluster) for each in standings] == [
        ("best", 1, 1, 1), ("tied", 2, 3, 2), ("same", 2, 3, 2),
    ]  # fmt: skip
    assert [(pair.first, pair.second) for pair in pairs] == [("best", "tied"), ("best", "same"), ("tied", "same")]
    assert pairs[0].difference == 50 and pairs[0].p_holm < 0.001 < pairs[2].p_holm == 1
    assert pairs[2].difference == 0 and pairs[2].detectable is None  # two equal systems have no spread to learn from


def test_lower_can_be_better():
    standings, _ = compare({"many": measured([1] * 20), "few": measured([0] * 20)}, False, QUICK)
    assert [each.system for each in standings] == ["few", "many"]


@pytest.mark.parametrize("hits", [[1], [0]])
def test_one_item_has_values_without_intervals_and_no_difference_is_significant(hits: list[int]):
    standings, pairs = compare({"a": measured(hits), "b": measured([1])}, True, QUICK)
    assert all((each.low, each.high, each.best, each.worst) == (None, None, 1, 2) for each in standings)
    assert pairs[0].p_bootstrap is None and pairs[0].p_holm == 1


def test_a_system_alone_is_first():
    (only,), pairs = compare({"a": measured([1, 0, 1])}, True, QUICK)
    assert (only.best, only.worst, only.cluster, pairs) == (1, 1, 1, [])


def test_systems_of_other_items_are_ranked_by_value_alone():
    other = Measured(70.0, 2, sample=Sample([np.ones((2, 2))], percent, ["x", "y"]))
    standings, pairs = compare({"a": measured([1, 0]), "b": other}, True, QUICK)
    assert [(each.system, each.low, each.high, each.best) for each in standings] == [
        ("b", 100, 100, None), ("a", 0, 100, None),
    ]  # fmt: skip
    assert pairs == []


# ---- whole boards


@pytest.mark.slow
@pytest.mark.mirror
@pytest.mark.parametrize("metric", ["BLEU", "chrF2"])
def test_every_direction_has_the_scores_of_the_released_outputs(mirror: Path, metric: str):
    contests = rank(Asked(board="bayling_2023", only=f"Translation, {metric}", options=QUICK))
    contests = [contest for contest in contests if contest.ranking == f"Translation, {metric}"]
    singles = [contest for contest in contests if not contest.average]
    assert len(singles) == 14 and len(contests) == 17
    for contest in singles:
        direction = contest.task.removeprefix("wmt22-")
        expected = {system: EXPECTED["translation"][f"{system}|{direction}|"] for system in SYSTEMS}
        found = {each.system: round(each.value, 2) for each in contest.standings}
        assert found == {system: values[metric.lower().rstrip("2")] for system, values in expected.items()}
    average = contests[-1]
    for standing in average.standings:
        values = [each.value for contest in singles for each in contest.standings if each.system == standing.system]
        assert standing.value == pytest.approx(np.mean(values))
    if metric == "BLEU":
        (french,) = [contest for contest in singles if contest.task == "wmt22-de-fr"]
        vicuna = french.standings[-1]
        assert vicuna.system == "vicuna-13b-1.1"
        # Six in ten of its "French" sentences are not French, which is what its BLEU of 12.82 means.
        assert 55 < (vicuna.beside["wrong language, %"] or 0) < 65


@pytest.mark.mirror
def test_p_values_and_intervals_are_those_of_sacrebleu(mirror: Path):
    (contest, *_) = rank(Asked(board="bayling_2023", only="Translation asked for in Chinese", jobs=1))
    assert contest.task == "wmt22-zh-en"
    order = ("gpt-3.5-turbo", "bayling-13b", "vicuna-13b-1.1")
    paths = [f"exp/translation_benchmark/{system}/zh-en.zh_prompt.hypo" for system in order]
    outputs = [(path, store.read_lines(catalogue.find(published.REPOSITORY, path))) for path in paths]
    references = [store.read_lines(wmt22.reference_files("zh", "en")[0])]
    _, found = PairedTest(outputs, {"BLEU": BLEU()}, references, test_type="bs")()
    by_system = {each.system: each for each in contest.standings}
    for system, result in zip(order, found["BLEU"], strict=True):
        standing = by_system[system]
        assert standing.value == pytest.approx(result.score)
        assert standing.low is not None and standing.high is not None
        assert (standing.high - standing.low) / 2 == pytest.approx(result.ci, rel=0.05)
        if result.p_value is not None:
            (pair,) = [each for each in contest.pairs if {each.first, each.second} == {order[0], system}]
            assert pair.p_bootstrap == pytest.approx(result.p_value)


@pytest.mark.mirror
@pytest.mark.parametrize("prompt", ["default", "zh_prompt"])
def test_words_used_are_those_of_a_plain_count(mirror: Path, prompt: str):
    title = "Interactive translation, words" if prompt == "default" else "Interactive translation asked for in Chinese"
    found = {
        (contest.task, each.system): each
        for contest in rank(Asked(board="bayling_2023", only=title, options=QUICK, jobs=1))
        for each in contest.standings
    }
    expected = [each for each in EXPECTED["constrained"] if each["prompt"] == prompt]
    assert len(expected) in (4, 6)
    for each in expected:
        standing = found[f"interactive-{each['direction']}", each["system"].lower()]
        assert standing.value == pytest.approx(100 * each["satisfied"] / each["constraints"])
        assert standing.n == each["items"] and standing.beside["echoes, %"] is not None


@pytest.mark.mirror
def test_reviews_give_scores_and_one_ranking(mirror: Path):
    contests = rank(Asked(board="bayling_2023", only="BayLing-80", options=QUICK, jobs=1))
    (four,) = [
        each for each in contests if each.ranking.endswith("against GPT-3.5-turbo") and each.task == "mean of four"
    ]
    files = [each for each in EXPECTED["judge"] if ".vs.gpt-3.5-turbo." in each["file"]]
    assert len(files) == 4
    for standing in four.standings:
        column = "sum_bayling" if standing.system == "bayling-13b" else "sum_opponent"
        assert standing.value == pytest.approx(sum(each[column] for each in files) / 320)
    strengths = contests[-1]
    assert [each.name for each in strengths.standings] == ["GPT-3.5-turbo", "BayLing-13B", "Vicuna-13B"]
    assert np.prod([each.value for each in strengths.standings]) == pytest.approx(1)
    assert {each.name for each in strengths.absent} == {"ChatGLM-6B", "Alpaca-7B"}


@pytest.mark.slow
@pytest.mark.mirror
def test_a_run_stands_beside_the_system_whose_answers_it_holds(mirror: Path, cli, tmp_path: Path, made_up: Path):
    folder = tmp_path / "mine"
    made = cli(
        "run", "-m", "published:bayling-13b", "-t", "gaokao_physics,interactive_translation_en_zh", "-o", folder,
        "--no-report",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    for only, task in (("GaoKao, strict", "gaokao-physics"), ("words asked for", "interactive-en-zh")):
        contests = rank(Asked(board="bayling_2023", only=only, runs=(str(folder),), options=QUICK, jobs=1))
        (contest,) = [each for each in contests if each.task == task and "in Chinese" not in each.ranking]
        by_system = {each.system: each for each in contest.standings}
        run, published_one = by_system["run 1"], by_system["bayling-13b"]
        assert run.name == "run mine" and run.value == published_one.value
        (pair,) = [each for each in contest.pairs if {each.first, each.second} == {"run 1", "bayling-13b"}]
        assert (pair.difference, pair.p_randomization) == (0, 1)
        assert (run.low, run.high, run.best, run.worst) == (
            published_one.low, published_one.high, published_one.best, published_one.worst,
        )  # fmt: skip
    shown = cli("rank", "bayling_2023", folder, "--only", "GaoKao, strict", "--resamples", 100)
    assert shown.returncode == 0 and "run mine" in shown.stdout
    page = tmp_path / "page.html"
    figure = "ranking,to zh,bayling-13b,acc,1,,nowhere\n"
    (made_up / "figures.csv").write_text(
        (made_up / "figures.csv").read_text(encoding="utf-8") + figure, encoding="utf-8"
    )
    board = BOARD.replace("rules = []", "") + "[[rules]]\ndecimals = 0\n"
    (made_up / "board.toml").write_text(board, encoding="utf-8")
    made = cli("report", folder, "--board", made_up, "--items", "none", "-o", page)
    assert made.returncode == 0, made.stderr
    text = page.read_text(encoding="utf-8")
    assert 'id="rankings"' in text and "run mine" in text
    assert 'id="audit"' in text and "1 differ." in text  # the figure that nothing explains
    table = cli("report", folder, "--board", made_up, "--format", "md")
    assert table.returncode == 0 and "| BayLing-13B (reproduced) |" in table.stdout.replace(
        "bayling-13b", "BayLing-13B"
    )


@pytest.mark.slow
@pytest.mark.mirror
def test_rankings_in_the_repository_are_those_of_today(mirror: Path):
    for name, only in (("bayling_2023", "GaoKao"), ("bayling_2023", "Interactive"), ("bayling_2023", "BayLing-80")):
        board = leaderboard.load(name)
        today = formats.to_csv(board, rank(Asked(board=name, only=only)))
        stored = formats.to_csv(board, [each for each in readme.read(board) if only in each.ranking])
        assert _rows(today) == _rows(stored)


@pytest.mark.parametrize("name", BOARDS)
def test_the_page_of_rankings_is_rendered_from_its_numbers(name: str):
    board = leaderboard.load(name)
    assert (board.folder / readme.PAGE).read_text(encoding="utf-8") == readme.render(board, readme.read(board))
    assert {contest.ranking for contest in readme.read(board)} <= {ranking.title for ranking in board.rankings}


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.mirror
def test_runs_of_one_model_keep_their_columns_and_other_items_are_refused(mirror: Path, cli, tmp_path: Path):
    folders = [tmp_path / "runs" / name for name in ("first", "second")]
    for folder in folders:
        done = cli("run", "-m", "published:bayling-13b", "-t", "gaokao_physics", "-o", folder, "--no-report")
        assert done.returncode == 0, done.stderr
    items = folders[1] / "items" / "gaokao_physics.jsonl"
    lines = items.read_text(encoding="utf-8").splitlines(keepends=True)
    worse = [json.loads(line) for line in lines]
    for item in worse[:40]:
        item["turns"][0]["response"] = "I do not know."
    items.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in worse), encoding="utf-8")
    asked = Asked(board="bayling_2023", only="GaoKao, strict", runs=tuple(map(str, folders)), options=QUICK, jobs=1)
    (contest,) = [each for each in rank(asked) if each.task == "gaokao-physics"]
    board = leaderboard.load("bayling_2023")
    (table,) = [each for each in formats.tables(board, [contest])]
    values = {each.name: each.value for each in contest.standings}
    assert values["run first"] > values["run second"] and table.row_count == len(values) == 5
    # A file of other items, or of none at all, is not ranked.
    items.write_text("".join(lines[1:] + lines[:1]), encoding="utf-8")
    with pytest.raises(BenchError, match=r"gaokao_physics.jsonl, line 1: the item is not that of gaokao_physics today"):
        rank(Asked(board="bayling_2023", only="GaoKao, strict", runs=(str(folders[1]),), options=QUICK, jobs=1))
    (folders[0] / "done").unlink()
    shown = cli("rank", "bayling_2023", folders[0], "--only", "GaoKao, strict", "--resamples", 100)
    assert shown.returncode == 0 and "run first is ranked nowhere: the end of" in shown.stderr
    assert "run --resume" in shown.stderr


@pytest.mark.mirror
def test_outputs_whose_language_cannot_be_told_do_not_stop_the_others(mirror: Path, monkeypatch):
    from bayling_bench.audit import answers, translation
    from bayling_bench.audit.reach import NoValue

    monkeypatch.setattr(answers, "first_answers", lambda *_: ("",) * 1875)
    with pytest.raises(NoValue, match="of none of 1875 outputs can this be told"):
        translation.flagged("published:bayling-13b", "zh-en", "wrong_language")
    assert translation.flagged("published:bayling-13b", "zh-en", "empty").value == 100


# ---- formats


def contests() -> list[Contest]:
    absent = (Absent("c", "C", "its file", "bayling-bench fetch published:c"), Absent("d", "D", "nothing was released"))
    standings = (
        Standing("a", "<b>A</b> | x", 61.2345678, 60.0, 62.5, 100, 1, 1, 1, {"echoes; = %": 12.5}),
        Standing("b", "B", 50.0, None, None, 100, None, None, None, {"echoes; = %": None}),
    )
    return [Contest("Both directions", "BLEU", "to zh", False, 1, standings, (), absent)]


def test_csv_is_read_back(made_up: Path):
    board = leaderboard.load(str(made_up))
    (again,) = formats.from_csv(formats.to_csv(board, contests()))
    first, second = again.standings
    assert (first.name, first.value, first.low, first.n, first.best) == ("<b>A</b> | x", 61.234568, 60.0, 100, 1)
    assert first.beside == {"echoes; = %": 12.5} and second.beside == {} and second.low is second.best is None
    assert again.absent == contests()[0].absent


def test_tables_escape_names_and_say_what_is_missing(made_up: Path):
    board = leaderboard.load(str(made_up))
    text = formats.to_markdown(board, contests())
    assert "\\| x" in text and "**61.2** [60.0, 62.5] (1)<br>12.5 % echoes; = %" in text
    assert "Not on this machine: C (bayling-bench fetch all brings them). Left out: D: nothing was released." in text
    assert json.loads(formats.to_json(board, contests()))["contests"][0]["standings"][1]["low"] is None
    (table,) = formats.tables(board, contests())
    assert table.row_count == 2


# ---- mistakes


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('metric = "BLEU"', 'metrik = "BLEU"', "unknown key 'metrik'. Did you mean metric"),
        ('measure = "interactive_score"\n', "", "ranking 'Both directions' lacks measure"),
        ('title = "mean" }', 'title = "mean", tasks = ["to fr"] }', "averages over 'to fr'"),
        ('title = "mean" }', 'title = "mean", tasks = [] }', "a list of one average's task or more is needed"),
        ('[{ title = "mean" }]', '[{ title = "mean" }, { title = "mean" }]', "average 'mean' stands there twice"),
        ('"to (?P<target>.+)"', '"from .+"', "task 'to zh' does not match task_pattern 'from .+'"),
        ('"to (?P<target>.+)"', '"to (.+"', "is not a regular expression"),
        ('["to zh", "to en"]', '["to zh", "to zh"]', "task 'to zh' stands there twice"),
        ('["to zh", "to en"]', '"to zh"', "tasks = 'to zh' is not of the form"),
        ('metric = "BLEU"', 'metric = "BLEU"\ndecimals = -1', "decimals = -1 is not of the form"),
        ("[[rankings]]", "[rankings]", r"written as \[\[rankings\]\]"),
        ('"published:{system}"', '"published:{sys}"', r"'published:{sys}' cannot be filled; there is {system}"),
        ('direction = "en-zh"', 'direction = "{dir}"', r"'{dir}' cannot be filled; there is {target}"),
        ("rules = []", 'rules = []\nsystems = { a = "x" }', "systems.a: 'x' must be a table"),
        (BOARD[BOARD.index("[[rankings]]") :], "", r"has no \[\[rankings\]\], so there is nothing to rank by"),
    ],
)
def test_a_mistake_in_a_ranking_is_named(made_up: Path, old: str, new: str, message: str):
    path = made_up / "board.toml"
    path.write_text(BOARD.replace(old, new), encoding="utf-8")
    with pytest.raises(BoardError, match=message):
        rank(Asked(board=str(made_up), jobs=1))


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('direction = "zhen", score = "bleu"', "no direction 'zhen'"),
        ('direction = "en-zh", score = "chrf:x"', "'chrf:x' is no score"),
        ('direction = "en-zh", score = "bleu:foo"', "'bleu:foo' is no score.*bleu:TOKENIZER with 13a"),
        ('direction = "en-zh", score = "rouge"', "'rouge' is no score"),
        ('direction = "en-zh", score = "bleu", prompt = "fr"', "fr"),
        ('direction = "en-zh", score = "bleu", promt = "en"', "promt"),
    ],
)
def test_a_wrong_argument_gives_an_error_and_no_number(made_up: Path, mirror: Path, arguments: str, message: str):
    path = made_up / "board.toml"
    path.write_text(BOARD.replace('direction = "en-zh", score = "bleu"', arguments), encoding="utf-8")
    with pytest.raises(BenchError, match=message):
        rank(Asked(board=str(made_up), jobs=1))


def test_a_title_that_is_not_there_names_those_that_are(made_up: Path):
    with pytest.raises(BenchError, match=r"No ranking of made_up is called like 'chrF'.*There are: Both directions"):
        rank(Asked(board=str(made_up), only="chrF"))


@pytest.mark.mirror
def test_a_measure_that_does_not_exist_is_named(made_up: Path, mirror: Path):
    path = made_up / "board.toml"
    path.write_text(BOARD.replace("interactive_score", "interactive_skore"), encoding="utf-8")
    with pytest.raises(BoardError, match=r"no measure is called 'interactive_skore'\. Did you mean interactive_score"):
        rank(Asked(board=str(made_up), jobs=1))


def test_without_outputs_the_command_says_what_to_fetch(cli, tmp_path: Path):
    nothing = {"BAYLING_BENCH_MIRROR": "", "BAYLING_BENCH_DATA": str(tmp_path / "nothing")}
    done = cli("rank", "bayling_2023", "--only", "GaoKao", env=nothing)
    assert done.returncode == 2 and "Nothing here can be ranked" in done.stderr and "Traceback" not in done.stderr
    assert "bayling-bench fetch gaokao_chinese" in done.stderr and "()" not in done.stderr
    for arguments, message in (
        (("rank", "bayling_2"), "No board is called 'bayling_2'"),
        (("rank", "bayling_2023", tmp_path), "holds no run.json"),
        (("rank", "bayling_2023", "--resamples", 1), "--resamples 1 tells nothing"),
        (("rank", "bayling_2023", "--format", "xls"), "--format 'xls' is unknown"),
        (("rank", "bayling_2023", "--format", "readme"), "needs the board's folder"),
        (("rank", "bayling_2023", "--format", "readme", "-o", tmp_path, "--only", "x"), "leave out RUN, --only"),
        (("rank", "bayling_2023", "--seed", -1), "--seed -1 must not be negative"),
        (("rank", "bayling_2023", "--jobs", -1), "--jobs -1 must not be negative"),
    ):
        done = cli(*arguments, env=nothing)
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr, done.stderr


# ---- figures that stay upstream


def test_figures_upstream_are_read_where_they_are_and_compared(monkeypatch):
    table = "pair\tsystem\tid\tis_constrained\tmetric\tscore\n"
    rows = ["en-zh\tLan-Bridge\t714\tFALSE\tbleu-A\t48.270436156858345\n", "en-zh\tGTCOM\t1\tTRUE\tbleu-A\t47.5\n"]
    rows += ["en-zh\tGTCOM\t1\tTRUE\tCOMET-A\t0.5\n"]
    before = leaderboard.load("wmt22_official")
    assert len(before.figures) == 882
    present = store.is_present
    monkeypatch.setattr(store, "is_present", lambda file: file.path == "scores/automatic-scores.tsv" or present(file))
    monkeypatch.setattr(store, "read_text", lambda _: table + "".join(rows))
    board = leaderboard.load("wmt22_official")
    (added,) = board.figures[882:]
    assert (added.key, added.value, added.items) == (("official", "wmt22-en-zh", "GTCOM", "bleu-A"), 47.5, 2037)
    assert added.line == "scores/automatic-scores.tsv, line 3"
    rows[0] = rows[0].replace("48.270436", "48.270439")
    with pytest.raises(BoardError, match=r"figures.csv, line 2: 48.270436 is 48.270439 in scores.* Correct the figure"):
        leaderboard.load("wmt22_official")


def test_the_official_table_has_the_rows_that_its_readers_count():
    figures = leaderboard.load("wmt22_official").figures
    assert len({figure.task for figure in figures}) == 21 and len({figure.key for figure in figures}) == len(figures)
    japanese = [figure for figure in figures if figure.task == "wmt22-en-ja" and figure.metric.startswith("bleu")]
    assert len(japanese) == 26  # 13 systems: all scored by characters
    assert round({figure.system: figure.value for figure in japanese}["AISP-SJTU"], 4) == 39.3227


def test_bleu_by_characters_is_sacrebleus():
    from bayling_bench.scoring import translation

    hypotheses, references = ["列車は早く駅を出ました。"] * 20, [["列車は早めに駅を出た。"]] * 20
    rows = translation.segment_statistics("bleu:char", "ja", hypotheses, references)
    expected = BLEU(tokenize="char").corpus_score(hypotheses, [[each for (each,) in references]]).score
    assert translation.corpus_score("bleu:char", rows) == pytest.approx(expected)
    assert "tok:char" in translation.signature("bleu:char", "ja", 1)
    by_words = translation.corpus_score("bleu", translation.segment_statistics("bleu", "ja", hypotheses, references))
    assert by_words != pytest.approx(expected)

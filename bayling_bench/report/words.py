"""A report's first paragraph, made of its numbers, in both languages: who leads, what is told apart, what to beware of.

Each sentence is ``{"about": "lead", "en": "…", "zh": "…"}``; ``about`` is ``subject``, ``lead``, ``careful`` or
``audit``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bayling_bench.audit.rows import DIFFERS, EQUAL, EXPLAINED, NOT_IN_REACH, Row
from bayling_bench.report import columns, strings
from bayling_bench.report.columns import Column
from bayling_bench.report.gathered import Gathered
from bayling_bench.report.strings import Text
from bayling_bench.report.systems import PUBLISHED, REPRODUCED, RUN
from bayling_bench.scoring.kinds import whole

FEW = 150
"""Items below which a difference of shares under some ten points is what chance does."""
MUCH_OFF_TARGET = 5.0
"""Per cent of outputs from which a guard is named in the summary."""
_NAMED = 4
"""Systems or tasks that one sentence names; more are counted."""

Sentence = dict[str, str]


def summary(found: Gathered) -> list[Sentence]:
    """Return the sentences in their order."""
    said = [("subject", _subject(found))]
    said += [("lead", text) for column in columns.leading(found) if (text := _lead(found, column))]
    said += [("careful", text) for text in _careful(found)]
    if found.standing and found.standing.audited:
        said.append(("audit", audited(found.standing.audited)))
    return [{"about": about, **text} for about, text in said]


def _subject(found: Gathered) -> Text:
    kinds = Counter(system.kind for system in found.systems)
    suites = columns.suites(found)
    tasks = [task for suite in suites for task in columns.tasks(found, suite)]
    runs, board = kinds[RUN], kinds[REPRODUCED] + kinds[PUBLISHED]
    en = [_count(runs, "run")] if runs else []
    zh = [f"{runs} 次评测"] if runs else []
    if board:
        en.append(
            f"{_count(board, 'published system')}, {kinds[REPRODUCED]} of them reproduced here from published outputs"
        )
        zh.append(f"{board} 个已发表系统（其中 {kinds[REPRODUCED]} 个用公开输出在本机复现）")
    return {
        "en": f"{' beside '.join(en)}, on {_count(len(tasks), 'task')} of {_count(len(suites), 'suite')}.",
        "zh": f"{'，对照 '.join(zh)}；共 {len(suites)} 组 {len(tasks)} 项任务。",
    }


def _lead(found: Gathered, column: Column) -> Text | None:
    rivals = columns.rivals(found, column)
    if len(rivals) < 2:
        return None
    first = rivals[0]
    name, where = found.label(first.system), columns.name_of(found, column)
    value = columns.shown(column.metric, first.value)
    if first.rank_low is None:
        second, other = found.label(rivals[1].system), columns.shown(column.metric, rivals[1].value)
        if value == other:
            return {
                "en": f"{where['en']}: {name} and {second} have the best value ({value}); not tested.",
                "zh": f"{where['zh']}：{name} 与 {second} 数值并列最好（{value}）；未作检验。",
            }
        return {
            "en": f"{where['en']}: {name} has the best value ({value}), before {second} ({other}); not tested.",
            "zh": f"{where['zh']}：{name} 数值最好（{value}），其次是 {second}（{other}）；未作检验。",
        }
    level = [found.label(cell.system) for cell in rivals[1:] if cell.rank_low == 1]
    tested = sum(cell.rank_low is not None for cell in rivals[1:])
    if not level:
        others = "the other one" if tested == 1 else f"each of the {tested} others"
        rest = "另一个系统" if tested == 1 else f"其他 {tested} 个系统"
        return {
            "en": f"{where['en']}: {name} leads ({value}), significantly better than {others} tested (Holm-corrected).",
            "zh": f"{where['zh']}：{name} 领先（{value}），显著优于参加检验的{rest}（经 Holm 校正）。",
        }
    told = {language: _listed(level, language) for language in strings.LANGUAGES}
    return {
        "en": f"{where['en']}: {name} is ahead ({value}), but not told apart from {told['en']} (Holm-corrected).",
        "zh": f"{where['zh']}：{name} 居首（{value}），但与 {told['zh']} 没有显著差异（经 Holm 校正）。",
    }


def _careful(found: Gathered) -> Iterator[Text]:
    unfinished = [system.label for system in found.systems if not system.finished]
    if unfinished:
        told = {language: _listed(unfinished, language) for language in strings.LANGUAGES}
        yield {
            "en": f"Unfinished, so never ranked: {told['en']}.",
            "zh": f"未完成，因此不参与排名：{told['zh']}。",
        }
    noted: dict[str, list[str]] = {}
    for reading in found.readings:
        for note in reading.notes:
            noted.setdefault(note, []).append(reading.label)
    for note, labels in noted.items():
        yield {"en": f"{_listed(labels, 'en')}: {note}", "zh": f"{_listed(labels, 'zh')}：{note}"}
    yield from _unscored(found)
    yield from _off_target(found)
    yield from _few(found)
    yield from _rules(found)
    yield from _states(found)


def _unscored(found: Gathered) -> Iterator[Text]:
    for number, reading in enumerate(found.readings):
        lost = sum(sum(task["unscored"].values()) for task in reading.scores.values())
        if lost:
            label = found.systems[number].label
            yield {
                "en": f"{_count(lost, 'item')} of {label} could not be scored and count{'s' * (lost == 1)} in no mean.",
                "zh": f"{label} 有 {lost} 条无法评分，不计入任何平均值。",
            }


def _off_target(found: Gathered) -> Iterator[Text]:
    worst: dict[str, tuple[float, str, str]] = {}
    for (system, place), cell in found.cells.items():
        for guard, share in cell.guards.items():
            if guard in ("unparsed", "truncated") or share < MUCH_OFF_TARGET or place.task in found.means:
                continue
            worst[system] = max(worst.get(system, (0.0, "", "")), (share, guard, place.task))
    ordered = sorted(worst.items(), key=lambda entry: -entry[1][0])
    if ordered:
        yield {language: _off_target_in(found, ordered, language) for language in strings.LANGUAGES}


def _off_target_in(found: Gathered, ordered: Sequence[tuple[str, tuple[float, str, str]]], language: str) -> str:
    parts = []
    for system, (share, guard, task) in ordered[:_NAMED]:
        flag, where = strings.text(f"flag.{guard}", guard)[language], columns.task_name(found, task)[language]
        where = f"（{share:.1f}%，{where}）" if language == "zh" else f" ({share:.1f} % in {where})"
        parts.append(f"{found.label(system)} {flag}{where}")
    more = len(ordered) - _NAMED
    if language == "zh":
        return "异常输出：" + "；".join(parts) + (f"；另有 {more} 个系统" if more > 0 else "") + "。"
    return f"Off target: {'; '.join(parts)}{f'; and {more} more' if more > 0 else ''}."


def _few(found: Gathered) -> Iterator[Text]:
    sizes: dict[str, int] = {}
    for (_, place), cell in found.cells.items():
        of_a_part = whole(place.metric) != place.metric
        if place.task not in found.means and cell.n and not of_a_part and not place.task.startswith("bayling80/"):
            sizes[place.task] = min(cell.n, sizes.get(place.task, cell.n))
    few = [task for task, n in sizes.items() if n < FEW]
    if len(few) > _NAMED:
        yield {
            "en": f"{len(few)} of {_count(len(sizes), 'task')} have fewer than {FEW} items, so that a difference of "
            "several points may be chance.",
            "zh": f"{len(sizes)} 项任务中有 {len(few)} 项不足 {FEW} 条，几个百分点的差别可能只是偶然。",
        }
    elif few:
        names = {
            language: _listed([columns.task_name(found, task)[language] for task in few], language)
            for language in strings.LANGUAGES
        }
        yield {
            "en": f"Fewer than {FEW} items, so that a difference of several points may be chance: {names['en']}.",
            "zh": f"不足 {FEW} 条，几个百分点的差别可能只是偶然：{names['zh']}。",
        }


def _rules(found: Gathered) -> Iterator[Text]:
    """Yield where the paper's rule and the strict rule part most: a task and a system."""
    strict = {
        (system, place.task): cell.value
        for (system, place), cell in found.cells.items()
        if place.metric == "acc_strict"
    }
    gaps = [
        (abs(strict[system, place.task] - cell.value), system, place.task, cell.value, strict[system, place.task])
        for (system, place), cell in found.cells.items()
        if place.metric == "acc" and place.task not in found.means and (system, place.task) in strict
    ]
    if gaps and max(gaps)[0] >= 1:
        _, system, task, paper, strict_value = max(gaps)
        where = columns.task_name(found, task)
        yield {
            "en": f"Exams are read by two rules; they part most on {where['en']}: {found.label(system)} has "
            f"{paper:.1f} % by the paper's and {strict_value:.1f} % by the strict one.",
            "zh": f"考试按两种规则判分，差别最大的是{where['zh']}：{found.label(system)} 按论文规则为 {paper:.1f}%，"
            f"按严格规则为 {strict_value:.1f}%。",
        }


def _states(found: Gathered) -> Iterator[Text]:
    apart = {state for suite in columns.suites(found) for state in columns.states(found, suite)[1:]}
    apart = {state for state in apart if state.partition(":")[0] != "labels" or "|" in state} - {""}
    if apart:
        names = [columns.state_name(state) for state in sorted(apart)]
        yield {
            "en": f"Shown apart, as of other data or asked in another form: {'; '.join(each['en'] for each in names)}.",
            "zh": f"因数据或提问方式不同而分开列出：{'；'.join(each['zh'] for each in names)}。",
        }


def audited(rows: Sequence[Row]) -> Text:
    """Return how many published figures came out equal, are explained, or differ."""
    counted = Counter(row.verdict for row in rows)
    absent = sum(row.kind == NOT_IN_REACH for row in rows)
    return {
        "en": f"Audit: of {len(rows)} published figures {counted[EQUAL]} come out equal, {counted[EXPLAINED]} are "
        f"explained ({absent} of these unchecked, their outputs are not on this machine), {counted[DIFFERS]} differ.",
        "zh": f"核对：{len(rows)} 个已发表数值中，{counted[EQUAL]} 个一致，{counted[EXPLAINED]} 个有解释"
        f"（其中 {absent} 个因输出不在本机而未核对），{counted[DIFFERS]} 个不一致。",
    }


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listed(names: Sequence[str], language: str) -> str:
    shown, more = list(names[:_NAMED]), len(names) - _NAMED
    if language == "zh":
        return "、".join(shown) + (f" 等 {len(names)} 个" if more > 0 else "")
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def lines(said: Sequence[Mapping[str, str]], language: str = "en") -> str:
    """Return the whole paragraph in one language."""
    return ("" if language == "zh" else " ").join(sentence[language] for sentence in said)

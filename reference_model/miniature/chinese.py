"""Chinese: classifiers, 了 and 把, no agreement; reasons, conditions and descriptions stand first."""

from __future__ import annotations

from reference_model.miniature.choice import Voice
from reference_model.miniature.lexicon import NUMBERS, PEOPLE, table
from reference_model.miniature.tree import Clause, Phrase, Sentence
from reference_model.miniature.words import COMMA, Word

PRONOUNS = {"i": "我", "you": "你", "he": "他", "she": "她", "we": "我们", "they": "他们", "who": "谁"}
OWNERS = {"my": "我的", "your": "你的", "his": "他的", "her": "她的", "our": "我们的"}
PRONOUNS_OF = {owner: text.removesuffix("的") for owner, text in OWNERS.items()}
COUNTED: dict[str, str] = dict(zip(NUMBERS, ("两", "三", "四", "五", "六", "七", "八", "九", "十"), strict=True))
MODALS = {"want": ("想", "想要"), "can": ("能", "可以"), "must": ("必须", "得"), "should": ("应该", "应当")}
HOW = {
    "because": (("因为", "由于"), ("所以",)),
    "although": (("虽然", "尽管"), ("但是", "可是")),
    "if": (("如果", "要是"), ("",)),
}


def phrase(part: Phrase, voice: Voice, *, bare: bool = False) -> list[Word]:
    """Return someone or something; ``bare`` leaves out *a*."""
    words = _single(part, voice, bare=bare)
    if part.other is not None:
        words += [Word(voice.pick("and", ("和", "跟"))), *phrase(part.other, voice)]
    return words


def _single(part: Phrase, voice: Voice, *, bare: bool) -> list[Word]:
    if part.kind in ("pronoun", "who"):
        return [Word(PRONOUNS[part.head])]
    if part.kind == "name":
        return [Word(table("names")[part.head]["zh"], f"names/{part.head}")]
    noun, what = table("nouns")[part.head], f"nouns/{part.head}"
    words = [Word(voice.pick(what, noun.words("zh")), what)]
    if part.plural and noun["kind"] in PEOPLE and part.det in ("the", *OWNERS):
        words.append(Word("们"))
    if part.adjective:
        words = [adjective(part.adjective, voice, attributive=True), *words]
    if part.relative is not None:
        words = [*_relative(part.relative, voice), *words]
    if bare:
        return words
    if part.det in OWNERS and words[0].text.endswith("的"):  # 我红色的车: one 的 is enough
        return [Word(PRONOUNS_OF[part.det]), *words]
    return [*_determiner(part, noun["classifier"], voice), *words]


def _determiner(part: Phrase, classifier: str, voice: Voice) -> list[Word]:
    if part.det == "the":
        return []
    if part.det in OWNERS:
        return [Word(OWNERS[part.det])]
    if part.det == "many":
        return [Word(voice.pick("many", ("很多", "许多")))]
    if part.det == "some":
        return [Word("一些")]
    if part.det in ("this", "that"):
        counter = "些" if part.plural else classifier
        return [Word({"this": "这", "that": "那"}[part.det]), Word(counter)]
    return [Word("一" if part.det == "a" else COUNTED[part.det]), Word(classifier)]


def adjective(concept: str, voice: Voice, *, attributive: bool) -> Word:
    """Return an adjective before a noun, or after 很."""
    what = f"adjectives/{concept}"
    before, _, after = voice.pick(what, table("adjectives")[concept].words("zh")).partition("/")
    return Word(before if attributive else after or before, what)


def _relative(clause: Clause, voice: Voice) -> list[Word]:
    return [*_clause(clause, voice, relative=True), Word("的")]


def _verb(clause: Clause, voice: Voice, things: list[Word], done: list[Word]) -> list[Word]:
    """Return the verb with its object and 了 where they belong."""
    what = f"verbs/{clause.verb}"
    pattern = voice.pick(what, table("verbs")[clause.verb].words("zh"))
    if "{o}" not in pattern:
        return [Word(pattern, what), *done, *things]
    before, _, after = pattern.partition("{o}")
    start, le, end = after.partition("{le}")
    parts = [*done, *([Word(end, what)] if end else [])] if le else []
    return [Word(before, what), *things, Word(start, what), *parts]


def _clause(clause: Clause, voice: Voice, *, relative: bool = False) -> list[Word]:
    """Return a clause: who, when, whether, where, how, and then what is done to what."""
    if clause.verb == "exist":
        return _existence(clause, voice)
    if clause.verb == "be":
        return _being(clause, voice)
    words = phrase(clause.subject, voice) if clause.subject is not None else []
    words += [*time(clause, voice), *_before_verb(clause, voice)]
    return [*words, *_action(clause, voice, relative=relative)]


def _before_verb(clause: Clause, voice: Voice) -> list[Word]:
    words = []
    if clause.negative:
        past = clause.tense == "past" and not clause.modal
        words.append(Word(voice.pick("not", ("没有", "没"))) if past else Word("不"))
    if clause.modal:
        words.append(Word(voice.pick("modal", MODALS[clause.modal])))
    elif clause.tense == "future":
        words.append(Word("会") if clause.negative else Word(voice.pick("will", ("会", "将"))))
    elif clause.tense == "progressive":
        located = clause.place or clause.question == "where"
        words.append(Word("正在" if located else voice.pick("now", ("正在", "在"))))
    if clause.place and not _goal(clause):
        words += [*([] if clause.tense == "progressive" else [Word("在")]), *place(clause, voice)]
    if clause.question == "where" and not _goal(clause):
        words += [*([] if clause.tense == "progressive" else [Word("在")]), _where(voice)]
    if clause.manner:
        what = f"manners/{clause.manner}"
        words.append(Word(voice.pick(what, table("manners")[clause.manner].words("zh")), what))
    return words


def _where(voice: Voice) -> Word:
    return Word(voice.pick("where", ("哪里", "哪儿")))


def _goal(clause: Clause) -> bool:
    return clause.verb in table("verbs") and table("verbs")[clause.verb]["frame"] == "goal"


def _action(clause: Clause, voice: Voice, *, relative: bool) -> list[Word]:
    done = [Word("了")] if _finished(clause, relative=relative) else []
    if _goal(clause):
        goal = [_where(voice)] if clause.question == "where" else place(clause, voice)
        return _verb(clause, voice, goal, done)
    thing = clause.object
    if clause.question == "what":
        return _verb(clause, voice, [Word("什么")], done)
    if thing is None:
        return _verb(clause, voice, [], done)
    things = phrase(thing, voice, bare=clause.negative and thing.det == "a")
    if clause.recipient is not None:
        return _verb(clause, voice, [*phrase(clause.recipient, voice), *things], done)
    handled = done and not relative and thing.det == "the" and "ba" in table("verbs")[clause.verb].set("flags")
    if handled and voice.pick("ba", (True, False)):
        return [Word("把"), *things, *_verb(clause, voice, [], done)]
    return _verb(clause, voice, things, done)


def _finished(clause: Clause, *, relative: bool) -> bool:
    """Return whether 了 is said: of a deed in the past, not of one that goes by its place and time, nor before 的."""
    if clause.tense != "past" or clause.negative or clause.modal:
        return False
    if relative and (clause.subject is not None or clause.object is None):
        return False
    alone = clause.object is None and not _goal(clause) and clause.question != "what"
    return not (alone and (clause.place or clause.question == "where" or clause.manner))


def time(clause: Clause, voice: Voice) -> list[Word]:
    """Return when something happens."""
    if not clause.time:
        return []
    what = f"times/{clause.time}"
    return [Word(voice.pick(what, table("times")[clause.time].words("zh")), what)]


def place(clause: Clause, voice: Voice) -> list[Word]:
    """Return where something happens or where someone goes, without 在."""
    what = f"places/{clause.place}"
    return [Word(voice.pick(what, table("places")[clause.place].words("zh_to" if _goal(clause) else "zh_at")), what)]


def _existence(clause: Clause, voice: Voice) -> list[Word]:
    assert clause.object is not None
    has = Word("没有" if clause.negative else "有")
    return [*time(clause, voice), *place(clause, voice), has, *phrase(clause.object, voice, bare=clause.negative)]


def _being(clause: Clause, voice: Voice) -> list[Word]:
    assert clause.subject is not None
    start = [*phrase(clause.subject, voice), *time(clause, voice)]
    said = adjective(clause.adjective, voice, attributive=False)
    if clause.than is not None:
        more = [Word("更")] if voice.pick("more", (False, True)) else []
        return [*start, Word("比"), *phrase(clause.than, voice), *more, said]
    if table("adjectives")[clause.adjective]["group"] == "colour":
        return [*start, *([Word("不")] if clause.negative else []), Word("是"), said]
    if clause.negative:
        return [*start, Word("不"), said]
    return [*start, *([] if clause.question else [Word("很")]), said]


def _fronted(clause: Clause, voice: Voice) -> list[Word]:
    """Return a statement; its time may stand before its subject."""
    words = _clause(clause, voice)
    ends = clause.time and clause.subject is not None and table("times")[clause.time]["place"] == "end"
    if ends and clause.subject is not None and voice.pick("front", (False, True)):
        who, when = phrase(clause.subject, voice), time(clause, voice)
        return [*when, *who, *words[len(who) + len(when) :]]
    return words


def sentence(tree: Sentence, voice: Voice) -> tuple[list[Word], str]:
    """Return the words of a sentence and the mark at its end."""
    if tree.main.question:
        ask = [Word("吗")] if tree.main.question == "yesno" else []
        return [*_clause(tree.main, voice), *ask], "？"
    if tree.second is None:
        return _fronted(tree.main, voice), "。"
    first, second = _clause(tree.main, voice), _clause(tree.second, voice)
    if tree.link == "that":
        return [*first, *second], "。"
    if tree.link == "but":
        return [*first, COMMA, Word(voice.pick("link", ("但是", "可是"))), *second], "。"
    if tree.link == "because" and voice.pick("order", (False, True)):
        return [*first, COMMA, Word("因为"), *second], "。"
    openings, then = HOW[tree.link]
    after = [Word(voice.pick("then", then))] if then[0] else []
    return [Word(voice.pick("link", openings)), *second, COMMA, *after, *first], "。"

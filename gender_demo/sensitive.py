"""Labels that sort people by what the law protects and no face shows: refused unless allowed.

Names are read as English words; a label in another language, or a number that stands for such a
word, is not recognised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

FLAG = "--allow-sensitive-labels"
FLAG_HELP = "take labels of race, religion, health, orientation, politics or emotions"
WORDS = {
    "race or origin": """
        race racial ethnic ethnicity nationality caste tribe indigenous aboriginal native
        immigrant foreigner asian african caucasian european american latino latina latinx
        hispanic arab arabic arabian indian mongoloid negroid caucasoid negro biracial
        multiracial mulatto mestizo chinese japanese korean vietnamese filipino thai mexican
        brazilian turkish kurdish persian iranian pakistani bangladeshi nigerian somali roma
        romani gypsy uyghur han slavic nordic oriental semitic polynesian""",
    "religion": """
        religion religious faith muslim moslem islam islamic christian christianity catholic
        protestant evangelical mormon jew jewish judaism hindu hinduism buddhist buddhism sikh
        atheist agnostic pagan shia sunni nun priest imam rabbi monk""",
    "health": """
        health healthy unhealthy sick ill illness disease diseased disorder patient medical
        diagnosis disabled disability handicapped autism autistic asperger adhd diabetes
        diabetic cancer tumor tumour depression depressed dementia alzheimer parkinson stroke
        palsy epilepsy epileptic covid infected hiv obese obesity anorexic anorexia bulimic
        pregnant pregnancy schizophrenia schizophrenic bipolar psychotic mental acne jaundice
        blind deaf addict addicted alcoholic pain syndrome""",
    "sexual orientation or gender identity": """
        orientation gay lesbian homosexual heterosexual bisexual asexual pansexual queer lgbt
        lgbtq lgbtqia transgender transsexual trans cisgender nonbinary""",
    "politics": """
        politics political party democrat democratic republican liberal conservative socialist
        communist fascist nazi marxist anarchist leftist rightist centrist nationalist populist
        libertarian tory unionist extremist""",
    "emotions": """
        emotion emotional mood angry anger happy happiness unhappy sad sadness fear fearful
        afraid scared disgust disgusted contempt surprise surprised joy joyful anxious anxiety
        bored boredom stressed stress frustrated frustration confused excited nervous calm""",
}
KINDS = {word: kind for kind, words in WORDS.items() for word in words.split()}
PHRASES = {
    "middle eastern": "race or origin",
    "dark skin": "race or origin",
    "dark skinned": "race or origin",
    "light skin": "race or origin",
    "light skinned": "race or origin",
    "left wing": "politics",
    "right wing": "politics",
    "non binary": "sexual orientation or gender identity",
}
SKIN = {"black", "white", "brown", "yellow", "coloured", "colored"}
PEOPLE = """
    person people man men woman women male female boy girl face skin skinned child adult human
    not non no and or a the of"""
"""With these alone a colour is that of a person ("black women"), with others it is not ("hat")."""


def sensitive_kind(label: str) -> str | None:
    """What a label says about a person that is refused, for example "religion"; None: nothing."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label)
    words = re.findall(r"[^\W\d_]+", apart.casefold())
    for word in words:
        kind = KINDS.get(word) or KINDS.get(word.removesuffix("s"))
        if kind:
            return kind
    joined = f" {' '.join(words)} "
    for phrase, kind in PHRASES.items():
        if f" {phrase} " in joined:
            return kind
    people = PEOPLE.split()
    singular = {word.removesuffix("s") for word in words if word not in people} - set(people)
    return "race or origin" if singular and singular <= SKIN else None


def why_refused(labels: Iterable[str]) -> str | None:
    """The reason and what to do, one sentence without its full stop; None: nothing is wrong."""
    reason = why_sensitive(labels)
    return reason and f"{reason}: choose other labels, or give {FLAG} if you know that you may"


def why_sensitive(labels: Iterable[str]) -> str | None:
    """The reason alone, where nothing allows such labels."""
    found = {label: kind for label in labels if (kind := sensitive_kind(label))}
    if not found:
        return None
    kinds = ", ".join(dict.fromkeys(found.values()))
    plural = "s" * (len(found) > 1)
    return (
        f"The label{plural} {', '.join(found)} sort{'s' * (len(found) == 1)} people by {kinds}, "
        "which a face does not show and whose guessing harms people and is often against the law"
    )

"""Needs that are recognised in order to be forgotten: health, pregnancy, religion, sexuality, money trouble, minors.

A word list, not a model: it must be readable, extensible, and the same tomorrow. It errs towards silence: a false alarm
costs one answer from the moment alone, a miss keeps something that a person never meant to tell. ``tests/recognise``
holds the labelled list on which its recall and false alarms are measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

TERMS: Final[Mapping[str, str]] = {
    "pregnancy": (
        "pregnan(?:t|cy|cies) abortions? miscarriages? ovulat(?:ion|ing|e) infertil(?:e|ity) fertility ivf "
        "prenatal antenatal "
        "morning.after.pill plan.b contracepti(?:on|ves?) birth.control postpartum maternity.(?:test|clinic) "
        "missed.period ectopic "
        "am.i.expecting embryo surroga(?:cy|te) breastfe(?:ed|eding)"
    ),
    "health": (
        "cancer tumou?rs? chemo(?:therapy)? leuk[ae]*mia lymphoma melanoma hiv aids.(?:test|virus|symptoms) "
        "(?:have|got|with).aids std sti herpes chlamydia "
        "gonorrh?oea syphilis "
        "diabet(?:es|ic) insulin depress(?:ion|ed) antidepressants? anti.depressants? prozac zoloft lexapro "
        "xanax adderall anxiety.(?:disorder|attack|medication) "
        "panic.attacks? bipolar schizophreni(?:a|c) ptsd ocd adhd autis(?:m|tic) suicid(?:e|al) kill.myself "
        "self.harm end.my.life "
        "eating.disorders? anorexi(?:a|c) bulimi(?:a|c) alcoholi(?:c|sm) addict(?:ion|ed).to? rehab detox.clinic "
        "overdose methadone "
        "psychiatrists? psychologists? therapists? counsell?ing dementia alzheimer'?s parkinson'?s "
        "epilep(?:sy|tic) multiple.sclerosis "
        "stroke heart.(?:attack|disease|failure) hepatitis tuberculosis crohn'?s colitis ibs hemorrhoids? "
        "haemorrhoids? incontinen(?:t|ce) "
        "erectile.dysfunction viagra cialis penile vasectomy hysterectomy menopause yeast.infection "
        "urinary.tract uti genital "
        "dialysis transplant asthma inhaler arthritis lupus fibromyalgia endometriosis psoriasis eczema "
        "chest.pain blood.in.(?:my|stool|urine) "
        "lump.in.(?:my|breast) symptoms.of side.effects.of diagnos(?:ed|is).with prescription medication.for "
        "oncolog(?:y|ist) "
        "cpap hearing.aids? colonoscopy biops(?:y|ies) pill.for conjunctivitis std.test covid.(?:test|positive) "
        "urologist gynecologist"
    ),
    "religion": (
        "mosques? synagogues? church(?:es)? temples? near.(?:mosque|church) quran koran bible torah hadith "
        "halal.(?:prayer|certificate) prayer.(?:times?|mat|rug|room) "
        "ramadan.(?:fasting|times|prayer) "
        "convert(?:ing)?.to.(?:islam|christianity|judaism|catholicism|hinduism|buddhism) baptis(?:m|ed) "
        "confession.times mass.times sunday.mass rabbi imam atheis(?:t|m).(?:group|support) muslim christian "
        "jewish hindu sikh buddhist "
        "catholic protestant mormon jehovah'?s evangelical leaving.(?:islam|the.church|mormonism) hijab kippah "
        "yarmulke rosary"
    ),
    "sexuality": (
        "gay lesbian bisexual transgender trans.(?:man|woman|surgery|clinic) queer lgbt\\w* homosexual(?:ity)? "
        "coming.out.(?:as|to) non.?binary "
        "gender.(?:dysphoria|reassignment|identity|affirming) hormone.replacement grindr "
        "sex.(?:toys?|shop|life|drive|therapist) dildos? vibrators? "
        "porn\\w* escorts? erotic fetish bdsm lingerie.for.men condoms? libido hookup strip.clubs? xxx nudes? "
        "masturbat\\w* orgasms? swingers"
    ),
    "money": (
        "bankrupt(?:cy)? payday.loans? debt.(?:collectors?|relief|consolidation|settlement|help|counsell?ing) "
        "foreclos(?:ure|ed) repossess\\w* evict(?:ion|ed) "
        "can'?t.(?:pay|afford).(?:my.)?(?:rent|bills?|mortgage|loan|debts?|food) bad.credit no.credit.check "
        "food.(?:bank|stamps|pantry) "
        "unemployment.(?:benefits?|claim) laid.off lost.my.job homeless.shelter loan.shark cash.advance "
        "gambling.(?:debt|problem|addiction) "
        "overdue.(?:rent|bills?|loan) wage.garnishment behind.on.(?:rent|mortgage|bills) insolven(?:t|cy) "
        "pawn.my universal.credit welfare.(?:benefits|check)"
    ),
    "minors": (
        "(?:i'?m|i.am|im).(?:[5-9]|1[0-7])(?!\\d)(?!.(?:minutes?|min|miles?|km|weeks?|hours?|days?|feet|pounds|"
        "kg)) (?:i'?m|i.am).(?:a.)?(?:minor|underage) "
        "my.(?:homework|7th.grade|8th.grade|6th.grade|middle.school).(?:teacher|class|crush) "
        "under.?age.(?:drinking|alcohol|vape|dating) fake.id teen.(?:pregnancy|dating|chat) "
        "child.(?:abuse|custody|protective) my.(?:mom|dad|parents).won'?t.let.me"
    ),
}  # fmt: skip
"""Category -> patterns of words, parted by blanks; a dot stands for one blank or hyphen."""

_HARMLESS = re.compile(
    r"\b(?:cancer (?:zodiac|horoscope|sign)|zodiac|horoscope|church(?:'s|s)? chicken|temple "
    r"(?:run|university|bar)|christian (?:louboutin|dior|bale)|"
    r"stroke (?:engine|width)|brush stroke|breast ?stroke|[24].stroke|gay lussac|depression (?:era|glass)|great "
    r"depression|"
    r"christian slater|jewish rye|hearing aids? battery door|shrine|temple (?:of doom|bar)|detox tea|trans "
    r"am|transgender rights act|"
    r"seo diagnosis|child safety lock|pregnant pause|computer virus)\b"
)


def _compile(terms: Mapping[str, str]) -> re.Pattern[str]:
    groups = []
    for name, text in terms.items():
        words = "|".join(t.replace(".?", "\0").replace(".", "[ -]").replace("\0", "[ -]?") for t in text.split())
        groups.append(f"(?P<{name}>{words})")
    return re.compile(rf"(?<![\w'-])(?:{'|'.join(groups)})(?![\w-])")


_PATTERN = _compile(TERMS)


@lru_cache(maxsize=8192)
def sensitive(text: str) -> str | None:
    """The category of a sensitive need that the words tell, or ``None``.

    >>> sensitive("am i pregnant quiz"), sensitive("trail running shoes")
    ('pregnancy', None)
    """
    plain = text.lower().replace("’", "'")
    found = _PATTERN.search(_HARMLESS.sub(" ", plain))
    return found.lastgroup if found else None


class Detector:
    """The word list with a business's own words beside it."""

    def __init__(self, extra: Mapping[str, tuple[str, ...]]) -> None:
        """``extra``: category -> plain words or phrases."""
        terms = dict(TERMS)
        for name, words in extra.items():
            if not name.isidentifier():
                raise ValueError(f"got sensitive category {name!r}; wanted letters, digits and _ only: rename it")
            escaped = " ".join(re.escape(w.lower()).replace(r"\ ", ".").replace(r"\.", ".") for w in words)
            terms[name] = f"{terms[name]} {escaped}" if name in terms else escaped
        self._pattern = _compile(terms)

    def __call__(self, text: str) -> str | None:
        """As ``sensitive``."""
        found = self._pattern.search(_HARMLESS.sub(" ", text.lower().replace("’", "'")))
        return found.lastgroup if found else None

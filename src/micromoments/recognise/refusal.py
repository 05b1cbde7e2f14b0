"""Refusals: "I don't need a taxi" names a taxi and asks for none.

A sum of what words say can't read them: *taxi* says go whatever stands before it (Pang, Lee and Vaithyanathan, "Thumbs
up?", 2002, met the same, and marked the words in the reach of a *not*). So a refusal is read by its form. Its reach
ends at a mark or at a word that opens another clause, and what stands there is what is asked for: "don't want to cook,
where can I eat" asks where. Known are the forms that refuse what a business serves; "how do I not burn rice", "shoes,
not leather" and "I don't know where to eat" ask for something. English only, as the model is.
"""

from __future__ import annotations

import re
from typing import Final

from micromoments.recognise.features import MAX_CHARS

_BEFORE = r"(?:(?:no|nope|nah|sorry|ok|okay|please),? )*"
_WE = r"(?:(?:i|we|she|he|they) )?(?:(?:really|honestly|also|still|just) )?"
_BE = r"(?:(?:i'm|im|i am|we're|we are|she's|he's) )?"
_NOT = r"(?:don't|dont|do not|didn't|didnt|did not|won't|wont)"
_GOT = r"(?:had|got|bought|ordered|booked|eaten|paid|found|picked)"
_NEWS = r"(?:ads?|adverts?|e-?mails?|offers?|notifications?|suggestions?|recommendations?|reminders?)"
_SERVE = (
    "(?:show|send|order|book|buy|call|suggest|recommend|offer|give|get|bring|deliver|remind|sell|bother|email|text"
    "|message|reserve|add)"
)
_TELLING = "(?:showing|sending|telling|offering|giving|selling|asking|emailing|texting|calling|messaging|bothering)"
_PUSHING = "(?:recommending|suggesting|advertising|pushing)"
_THE = "th(?:e|at|is|ese|ose)"
_DONE = r"(?:,? (?:thanks|thank you|cheers|for now))?[.!]*$"
_FORMS = (
    # I don't want, we do not need, didn't ask for
    rf"{_WE}{_NOT} (?:really |even |actually |ever )?(?:want|need|wanna|fancy|like|feel like|wish|plan|intend)\b",
    rf"{_WE}{_NOT} (?:really |even |ever )?(?:care (?:for|about)|ask(?:ed)? (?:for|about)|have time (?:for|to))\b",
    r"(?:i|we) (?:didn't|didnt|did not|never) (?:ask|want|need|order|book|buy|request)(?:ed)?\b",
    # not looking for, I'm not going to buy, wasn't asking about
    rf"{_BE}not (?:really |actually |even )?(?:looking|interested|shopping|buying|ordering|booking|asking|after)\b",
    rf"{_BE}not (?:going|planning|trying|here|ready) (?:on|to (?:buy|order|book|pay|get|shop|go))\b",
    rf"{_BE}not (?:in the (?:market|mood)|thinking (?:of|about))\b",
    r"(?:i|we) (?:wasn't|wasnt|weren't|werent|was not|were not) (?:looking|asking|interested|searching|after)\b",
    # don't show me, do not book it
    rf"(?:don't|dont|do not) (?:please )?(?:ever )?{_SERVE} (?:me|us|it|them|an?|any|anything|another|more|{_THE})\b",
    # stop sending me, quit recommending, no more offers
    rf"(?:(?:can|could|will) you (?:please )?)?(?:stop|quit) (?:{_TELLING} (?:me|us)|{_PUSHING})\b",
    rf"no more (?:{_NEWS}\b|(?=.* (?:{_NEWS}|please|thanks|thank you)$))",
    rf"(?:hide|dismiss|remove|close) {_THE} (?:popup|banner|coupon|product|item|{_NEWS})s?{_DONE}",
    # I already have one, we've already eaten, no thanks
    rf"(?:i|we)(?:'ve already {_GOT}| (?:have )?already (?:have|own|ate|{_GOT}))\b",
    r"no,? (?:thanks|thank you)\b",
    # just looking, too expensive, not hungry: only where nothing follows
    rf"{_BE}(?:just|only) (?:looking|browsing)(?: around)?{_DONE}",
    rf"(?:(?:that's|thats|it's|its|way|far|much) )*too (?:expensive|dear|pricey|far|big|small|late|much){_DONE}",
    rf"{_BE}not (?:interested|hungry|thirsty|today|now|relevant|for me){_DONE}",
)
_REFUSED: Final = re.compile(f"{_BEFORE}(?:{'|'.join(_FORMS)})")
_ENDS: Final = re.compile(
    r"(?: ?[,;:.!?()]| [-–—]+) ?"
    r"| (?=(?:but|just|only|how|where|what|what's|whats|why|so|instead|rather|(?:some|any)where \w+|i'd|i'm"
    r"|i (?:want|need|just|would|prefer|do)|and (?:i )?(?:want|need))\b)"
    r"|(?<! to)(?<! you) (?=(?:get|find|show|give|book|order|buy|bring|tell|help) (?:me|us)\b)"
    r"|(?<! that)(?<! which)(?<! who)(?<! it) (?=(?:is|are|can|could|should|does|do|did|will|would)\b)"
)
_OPENS: Final = re.compile(r"(?:but|so|and) ")
_CALLED: Final = re.compile(r"\b(?:lyrics|song|chords|meaning|quotes?|book|film|movie|trailer)$")
"""What ends a query about something that is called so."""


def asked(text: str) -> str:
    """What a query asks for beyond what it refuses: all of it where it refuses nothing, nothing where it only does.

    >>> asked("I don't need a taxi"), asked("how do i fix a tap"), asked("don't want to cook, where can i eat")
    ('', 'how do i fix a tap', 'where can i eat')
    """
    left = " ".join(text[:MAX_CHARS].lower().replace("’", "'").split())
    found = _REFUSED.match(left)
    if found is None or _CALLED.search(left):
        return text
    while found is not None:
        ends = _ENDS.search(left, found.end())
        left = _OPENS.sub("", left[ends.end() :], count=1) if ends else ""
        found = _REFUSED.match(left)
    return left

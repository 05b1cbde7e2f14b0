"""Whose a record is, as far as links tell: whom it is folded into, and whom it may have been folded into before."""

from __future__ import annotations

from collections.abc import Sequence

from micromoments.core.person import Link
from micromoments.core.record import DecidedRecord, EventRecord, Record
from micromoments.engine.residents import Residents
from micromoments.flow.apply import home


def spans(record: Record) -> bool:
    """Whether a record may touch more than one person: an identify with an anonymousId, an alias."""
    if not isinstance(record, EventRecord):
        return False
    event = record.event
    return event.type in ("identify", "alias") and bool(event.user_id and (event.anonymous_id or event.previous_id))


def joined(residents: Residents, key: str) -> Sequence[str]:
    """The users that alias made one person with that of a key."""
    link = residents.link(key)
    return [f"user:{user}" for user in link.joined] if link is not None else []


def places(residents: Residents, record: Record) -> set[str]:
    """The ids of all who a record's person is or was, as far as links tell."""
    link = residents.link(record.key) or Link()
    users = {f"user:{claim.user}" for claim in link.claims}
    if isinstance(record, EventRecord) and record.event.user_id:
        users.add(f"user:{record.event.user_id}")
    return {record.key, *users, *(other for user in (record.key, *users) for other in joined(residents, user))}


def home_of(residents: Residents, record: Record) -> str:
    """The id of the person that a record will be folded into."""
    if isinstance(record, EventRecord):
        key = f"user:{record.event.user_id}" if record.event.user_id else record.key
        return home(residents, key, record.occurred, record.mid)[0]
    if isinstance(record, DecidedRecord):
        return home(residents, record.key, record.at, 0)[0]
    return record.key

"""Which call, application or act does somebody mean?"""

import re
from contextlib import suppress
from datetime import date
from functools import cache, lru_cache
from typing import Any
from unicodedata import category
from uuid import UUID

from sqlalchemy import and_, bindparam, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from config.families import form
from config.loader import parse
from config.schema import CallDefinition
from models.canonical import digest
from models.session import add_unless_there
from models.tables import Act, Application, Call, CallVersion
from models.vocabulary import ApplicationState, Family
from workflow.desk import Desk
from workflow.errors import InputError, RefusedError, TamperedError
from workflow.facts import ActFacts
from workflow.services.officers import Actor

_PROTOCOL = re.compile(r"^(\d{4})/(\d{1,18})$")
_ACT = re.compile(
    r"^(?P<kind>\S.{0,58}?)\s+(?P<number>\S{1,60})/(?P<day>\d{4}-\d{2}-\d{2})$"
)
_DIGITS = 7

_NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories: control characters, halves of surrogate pairs, ends of lines."""

_TURNING = frozenset(
    map(chr, (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)
"""Signs that nobody sees and that turn round what is read after them."""

LONGEST_ACT = 200
LONGEST_REASON = 2_000
"""Characters of what is stated with a command and stands in the register."""


def protocol(application: Any) -> str | None:  # noqa: ANN401 - or its columns
    """Write a protocol number: at least 7 digits a year (art. 57 DPR 445/2000)."""
    if application.protocol_number is None:
        return None
    return numbered(application)


def numbered(place: Any) -> str:  # noqa: ANN401 - whatever has a number of a year
    """Write a number of a civil year as a protocol number."""
    return f"{place.protocol_year}/{place.protocol_number:0{_DIGITS}d}"


def named(application: Any) -> str:  # noqa: ANN401 - or its columns
    """Name an application by its protocol, or as the portal does before it has one."""
    return protocol(application) or str(application.portal_id)


def find_call(session: Session, code: str, *, lock: bool = False) -> Call:
    """Return a call by its code, locked if it is going to change.

    Raises:
        RefusedError: there is no such call.
    """
    query = select(Call).where(Call.code == code)
    if lock:
        query = query.with_for_update()
    call = session.exec(query).first() if is_text(code) else None
    if call is None:
        _refuse_application(session, code)
        known = session.exec(select(Call.code).order_by(col(Call.code)).limit(5)).all()
        listed = ", ".join(known) or "none, load one with `sportello call load`"
        raise RefusedError(
            "call.unknown", f"there is no call `{code}`; the calls are: {listed}"
        )
    return call


def gives_money(call: Call) -> bool:
    """Tell whether the procedure of a call gives any money that could be asked for."""
    return "allocation" in form(Family(call.family)).sections


def _refuse_application(session: Session, name: str) -> None:
    """Say to which call an application was made, if one is named in its place."""
    for found in _matching(session, name.strip())[:1]:
        code = session.get_one(Call, found.call_id).code
        raise RefusedError(
            "call.unknown",
            f"`{name}` is an application to {code}, and no call: name the call, or see "
            f"`sportello show {named(found)}` for what concerns that one alone",
        )


def find_application(session: Session, name: str) -> Application:
    """Return an application by protocol, by the portal's id or by its own id.

    Raises:
        RefusedError: there is none, or the portal's id is in more than one call.
    """
    found = _matching(session, name.strip())
    if not found:
        raise RefusedError(
            "application.unknown",
            f"there is no application `{name}`; give its protocol number "
            "(2026/0000001), the portal's id or its own id, or see `sportello list`",
        )
    if len(found) > 1:
        shown = ", ".join(named(application) for application in found)
        raise RefusedError(
            "application.ambiguous",
            f"`{name}` is the portal's id of more than one application: {shown}; "
            "give the protocol number",
        )
    return found[0]


def _matching(session: Session, name: str) -> list[Application]:
    if not is_text(name):
        return []
    said: dict[str, object] = {"portal_id": name}
    if match := _PROTOCOL.match(name):
        said.update(year=int(match[1]), number=int(match[2]))
    with suppress(ValueError):
        said["id"] = UUID(name)
    query = _matching_query(by_protocol="year" in said, by_id="id" in said)
    found = list(session.exec(query, params=said))
    if found:
        return found
    expired = select(Application).where(col(Application.portal_id) == name)
    return list(session.exec(expired))


@cache
def _matching_query(*, by_protocol: bool, by_id: bool) -> SelectOfScalar[Application]:
    # Made once: to make a statement takes longer than to send it.
    ways = [
        and_(
            col(Application.portal_id) == bindparam("portal_id"),
            col(Application.state) != ApplicationState.EXPIRED,
        )
    ]
    if by_protocol:
        ways.append(
            and_(
                col(Application.protocol_year) == bindparam("year"),
                col(Application.protocol_number) == bindparam("number"),
            )
        )
    if by_id:
        ways.append(and_(col(Application.id) == bindparam("id")))
    return select(Application).where(or_(*ways))


def rules_of(session: Session, call_id: UUID, version: int) -> CallDefinition:
    """Return a version of a call as it was frozen."""
    row = session.get_one(CallVersion, (call_id, version))
    # A session forgets what nobody holds, and would read the whole text each time.
    session.info.setdefault("call_versions", {})[call_id, version] = row
    if digest(row.body.encode()) != row.fingerprint:
        raise TamperedError(
            "call.altered",
            f"version {version} of the call is not what was frozen under its hash; "
            "decide nothing on it and run `sportello log verify`",
        )
    return _parsed(row.fingerprint, row.body)


@lru_cache(maxsize=64)
def _parsed(_fingerprint: str, body: str) -> CallDefinition:
    return parse(body.encode())


def is_text(words: str) -> bool:
    """Tell whether both databases and the register can hold these characters."""
    try:
        return b"\0" not in words.encode()
    except UnicodeEncodeError:
        return False


def refuse_unwritable(option: str, words: str | None, longest: int) -> None:
    """Refuse what a shell lets through and the register should not hold.

    Bytes that are not UTF-8 arrive as lone surrogates, which have no canonical
    form; control characters would play with the terminal of whoever reads them.

    Raises:
        InputError: blank words, or too many, or with such characters.
    """
    if words is None:
        return
    if turning := _TURNING.intersection(words):
        raise InputError(
            "input.invalid",
            f"--{option} has the invisible sign U+{ord(min(turning)):04X}, which "
            "changes the direction of what is read: whoever reads would see other "
            "words than those that are recorded; leave it out",
        )
    if not words.strip() or any(category(sign) in _NO_TEXT for sign in words):
        raise InputError(
            "input.invalid",
            f"--{option} must be words on one line, without control characters",
        )
    if len(words) > longest:
        raise InputError(
            "input.invalid",
            f"--{option} has {len(words)} characters; at most {longest} are kept",
        )


def read_act(text: str) -> ActFacts:
    """Read an act as people write it: `decreto 1234/2026-03-10`.

    Raises:
        InputError: it is not written like that.
    """
    match = _ACT.match(text.strip())
    try:
        day = date.fromisoformat(match["day"]) if match else None
    except ValueError:
        day = None
    if match is None or day is None:
        raise InputError(
            "act.unreadable",
            f"--act `{text}`: write TYPE NUMBER/DATE with the day as YYYY-MM-DD, "
            'such as "decreto 1234/2026-03-10"',
        )
    return ActFacts(match["kind"].lower(), match["number"], day)


def keep_act(session: Session, desk: Desk, act: ActFacts, actor: Actor) -> Act:
    """Keep the record of an act and of who brought it; one record for each act.

    Raises:
        RefusedError: the act bears a day that has not come.
    """
    query = select(Act).where(
        Act.kind == act.kind, Act.number == act.number, Act.signed_on == act.signed_on
    )
    kept = session.exec(query).first()
    if kept is None:
        if actor.id is None:
            raise RefusedError("act.no_person", "only a person can bring an act")
        # Another call may be changed by the same act at this moment.
        new = Act(
            id=desk.ambient.new_id(),
            kind=act.kind,
            number=act.number,
            signed_on=act.signed_on,
            signed_by=actor.id,
            registered_at=desk.ambient.now(),
        )
        add_unless_there(session, new)
        kept = session.exec(query).one()
    return kept

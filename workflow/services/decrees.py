"""How are many applications granted by one act?"""

import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError
from sqlmodel import col, select

from config.handed_in import doubled
from config.kinds import said
from config.logs import log
from models.session import reading
from models.tables import Applicant, Application
from models.vocabulary import Event, OrderPolicy, Role
from workflow.desk import Desk
from workflow.errors import ConflictError, InputError, RefusedError
from workflow.facts import ActFacts, Place
from workflow.moves.families import TABLES
from workflow.moves.inputs import GrantInputs
from workflow.rules import order, strategies
from workflow.rules.amounts import format_money
from workflow.services import (
    case_files,
    lookups,
    mailings,
    officers,
    promotions,
    refusals,
    undertakings,
)
from workflow.services.making import Receipt, make
from workflow.services.open_calls import OpenCall
from workflow.services.windows import opened

_MOST = 5_000
"""Applications in one act."""


LONGEST_LINE = 100_000
"""Bytes; a grant has some three hundred."""

_LONGEST_NAME = 80
"""Characters of what names an application, as in its columns."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One application of the act, with what its grant must carry."""

    line: int
    application: str
    given: GrantInputs


def carries(desk: Desk, code: str) -> type[GrantInputs]:
    """Return what each grant of a call must carry.

    Raises:
        RefusedError: there is no such call, or it grants nothing.
    """
    with reading(desk.engine) as session:
        family = lookups.find_call(session, code).family
    rows = TABLES[family].of_event(Event.GRANT)
    if not rows:
        raise RefusedError(
            "decree.no_grants",
            f"{code} follows {family}, which grants nothing; see `sportello call show "
            f"{code}` for the acts that it has",
        )
    inputs = rows[0].inputs
    assert issubclass(inputs, GrantInputs)  # noqa: S101 - every grant has its CUP
    return inputs


def read(
    lines: Iterable[bytes], inputs: type[GrantInputs] = GrantInputs
) -> tuple[Grant, ...]:
    """Read the list of an act, one JSON object a line.

    Raises:
        InputError: a line cannot be read; it is named, with what is wrong.
    """
    read_one_by_one = (
        _read(number, line, inputs)
        for number, line in enumerate(lines, start=1)
        if line.removeprefix(BOM_UTF8).strip()
    )
    grants = tuple(islice(read_one_by_one, _MOST + 1))
    if not grants:
        raise InputError(
            "decree.empty",
            "the list of the act has no line; write one JSON object a line, with "
            "`application` and what its grant must carry",
        )
    if len(grants) > _MOST:
        raise InputError(
            "decree.too_long",
            "the list of the act has more lines than one act may have: it grants at "
            f"most {_MOST}; adopt it in parts",
        )
    return grants


def _read(number: int, line: bytes, inputs: type[GrantInputs]) -> Grant:
    if len(line) > LONGEST_LINE:
        raise _unreadable(
            number, f"it has more than {LONGEST_LINE} bytes: write one grant a line"
        )
    try:
        row = orjson.loads(line.removeprefix(BOM_UTF8))
    except orjson.JSONDecodeError as error:
        raise _unreadable(number, f"it is not a JSON document: {error.msg}") from error
    if not isinstance(row, dict):
        raise _unreadable(number, "it is not a JSON object")
    stated = {name: value for name, value in row.items() if value is not None}
    # Left to itself pydantic takes a number for a day, as seconds since 1970.
    for name, value in stated.items():
        if not isinstance(value, str):
            raise _unreadable(number, f"`{name}` must be text, between quotation marks")
    if twice := doubled(line.removeprefix(BOM_UTF8)):
        raise _unreadable(number, f"`{twice}` is given twice: leave one of the two")
    name = stated.pop("application", "").strip()
    if not 0 < len(name) <= _LONGEST_NAME:
        what = f"has more than {_LONGEST_NAME} characters" if name else "is missing"
        raise _unreadable(
            number, f"`application` {what}: its protocol number, or the portal's id"
        )
    try:
        return Grant(number, name, inputs.model_validate(stated))
    except ValidationError as error:
        told = "; ".join(_fault(fault) for fault in error.errors())
        raise _unreadable(number, told) from error


def _unreadable(number: int, what: str) -> InputError:
    return InputError(
        "decree.unreadable",
        f"line {number}: {what}; correct it, nothing was granted",
        {"line": number},
    )


def _fault(fault: Mapping[str, Any]) -> str:
    name = str(fault["loc"][0])
    if fault["type"] == "missing":
        text = str(GrantInputs.model_fields[name].description)
        return f"`{name}` is missing: {text.removesuffix('.')}"
    if fault["type"] == "extra_forbidden":
        return f"`{name}` is nothing that a grant carries"
    if fault["type"] == "value_error":
        return f"`{name}`: {fault['ctx']['error']}"
    return f"`{name}` `{fault['input']}`: {_WRITTEN.get(name) or said(fault)}"


_WRITTEN = {
    "cor": "write its 1 to 12 digits",
    "cup": "write its 15 characters, capital letters and digits",
}


def grant(  # noqa: PLR0913 - the parts of an act
    desk: Desk,
    code: str,
    grants: Sequence[Grant],
    *,
    act: str,
    reason: str | None = None,
    dry_run: bool = False,
    meant: bool = False,
    seen: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Grant a prefix of the order by one act (*decreto cumulativo*): all, or none.

    Everybody before the last one is on the list too, unless they wait for money
    or for their own answer. With *meant* the dry run is that of a command that is
    meant: its refusal is recorded too. *seen* is what the dry run told: nothing
    else is done.

    Raises:
        RefusedError: one of them cannot be granted, or somebody is passed over.
        InputError: the act or the reason cannot be read.
        ConflictError: what it does is not any more what was seen.
    """
    lookups.refuse_unwritable("act", act, lookups.LONGEST_ACT)
    lookups.refuse_unwritable("reason", reason, lookups.LONGEST_REASON)
    stated = lookups.read_act(act)
    try:
        with opened(desk, code, keep=not dry_run) as work:
            told = _Decree(work, grants, stated, reason).adopt()
            if seen is not None and _essence(told) != _essence(seen):
                raise ConflictError(
                    "decree.changed",
                    f"{code} changed meanwhile, and the act would not do any more what "
                    "was shown: nothing was granted; look at it again",
                )
    except RefusedError as error:
        if meant or not dry_run:
            refusals.record(desk, code, Event.GRANT, error, (stated, reason))
        raise
    if not dry_run:
        log.info("applications_granted", call=code, count=len(grants))
    return {"call": code, "act": str(stated), **told, "dry_run": dry_run}


def _essence(told: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what an act does, without where it stands in the register."""
    return (
        told["skipped"],
        [(one["application"], one["granted"]) for one in told["granted"]],
        [(one["application"], one["amount"]) for one in told["promotions"]],
    )


@dataclass(frozen=True)
class _Decree:
    work: OpenCall
    grants: Sequence[Grant]
    act: ActFacts
    reason: str | None

    def adopt(self) -> dict[str, Any]:
        """Make every grant of the list, in the order of the call."""
        session = self.work.session
        actor = officers.identify(session, self.work.desk)
        officers.require(actor, Role.MANAGER)
        files = self._files()
        queued = self._queued()
        before_last = self._refuse_gaps(files, queued)
        undertakings.lock(session, self._applicants(files))
        listed = [place for place in queued if place.application in files]
        receipts = [
            self._make(actor, *files[place.application], number, len(listed))
            for number, place in enumerate(listed, start=1)
        ]
        promoted = promotions.run(self.work)
        return {
            "count": len(receipts),
            "total": format_money(sum(row.granted for row, _ in files.values())),
            "granted": [_told(receipt) for receipt in receipts],
            "skipped": [
                {
                    "application": place.protocol,
                    "waits_for": "applicant" if place.waits_for_applicant else "money",
                }
                for place in before_last
                if place.application not in files
            ],
            "promotions": promoted,
            "notices": mailings.written_since(
                self.work.session, self.work.call, self.work.began
            ),
            "residual": format_money(case_files.money_of(self.work.call).residual),
        }

    def _files(self) -> dict[UUID, tuple[Application, Grant]]:
        """Find the applications of the list; each is named once, in whatever way."""
        found = [(self._find(grant), grant) for grant in self.grants]
        times = Counter(file.id for file, _ in found)
        doubled = [
            (lookups.named(file), grant.line)
            for file, grant in found
            if times[file.id] > 1
        ]
        if doubled:
            name = doubled[0][0]
            lines = [line for other, line in doubled if other == name]
            raise RefusedError(
                "decree.doubled",
                f"{name} is on the list more than once, at the lines "
                f"{', '.join(map(str, lines))}; leave one of them",
                {"lines": lines},
            )
        return {file.id: (file, grant) for file, grant in found}

    def _find(self, grant: Grant) -> Application:
        with _at_line(grant):
            found = lookups.find_application(self.work.session, grant.application)
        if found.call_id != self.work.call.id:
            raise RefusedError(
                "decree.another_call",
                f"line {grant.line}: {grant.application} is an application to another "
                "call, and an act of this kind is about one call; take it off the list",
                {"line": grant.line},
            )
        return found

    @property
    def _order(self) -> OrderPolicy:
        return self.work.rules().definition.counter.order

    def _queued(self) -> tuple[Place, ...]:
        rules = self.work.rules().definition
        places = case_files.queue(
            self.work.session, self.work.call.id, rules.filing.channel
        )
        return strategies.in_order(self._order, places)

    def _refuse_gaps(
        self, files: Mapping[UUID, tuple[Application, Grant]], queued: Sequence[Place]
    ) -> Sequence[Place]:
        """Refuse a list that passes somebody over (art. 5 c. 3 D.Lgs. 123/1998).

        Returns everybody up to the last one on the list.
        """
        holding = {place.application for place in queued}
        for identity, (file, grant) in files.items():
            if identity not in holding:
                raise RefusedError(
                    "decree.no_place",
                    f"line {grant.line}: {lookups.named(file)} is `{file.state}` and "
                    "holds no place in the order: it was granted already, or its "
                    "procedure has ended; take it off the list",
                    {"line": grant.line},
                )
        last = max(
            number for number, place in enumerate(queued) if place.application in files
        )
        if self._order is OrderPolicy.RANKING:
            return ()  # the ranking has given each its money
        passed_over = tuple(
            place
            for place in queued[:last]
            if place.application not in files
            and place.reserved >= place.requested
            and not place.waits_for_applicant
        )
        if passed_over:
            raise RefusedError(
                "decree.passes_over",
                f"the list passes over {order.named(passed_over)}, who come before "
                f"{queued[last].protocol}; put them on the list, decide on them first, "
                "or grant one by one",
                {"passed_over": [place.protocol for place in passed_over]},
            )
        return queued[:last]

    def _applicants(self, files: Iterable[UUID]) -> Sequence[Applicant]:
        return self.work.session.exec(
            select(Applicant)
            .join(Application, col(Application.applicant_id) == col(Applicant.id))
            .where(col(Application.id).in_(list(files)))
        ).all()

    def _make(
        self,
        actor: officers.Actor,
        file: Application,
        grant: Grant,
        number: int,
        size: int,
    ) -> Receipt:
        self.work.session.refresh(file, with_for_update=True)
        with _at_line(grant, file):
            return make(
                self.work,
                file,
                actor,
                Event.GRANT,
                given=grant.given,
                act=self.act,
                reason=self.reason,
                notes={"decree": {"number": number, "of": size}},
            )


def _told(receipt: Receipt) -> dict[str, Any]:
    return {
        "application": receipt.application,
        "to": receipt.target,
        "requested": receipt.money["requested"],
        "granted": receipt.money["granted"],
        "seq": receipt.entry.seq,
    }


@contextmanager
def _at_line(grant: Grant, file: Application | None = None) -> Iterator[None]:
    """Name the line, and the application, in what is refused."""
    name = lookups.named(file) if file is not None else ""
    where = f"line {grant.line}, {name}" if name else f"line {grant.line}"
    try:
        yield
    except RefusedError as error:
        raise RefusedError(
            error.code,
            f"{where}: {_of_list(error.message)}; nothing of the list was granted",
            {**error.details, "line": grant.line},
            recorded=f"{where}: {_of_list(error.recorded)}",
        ) from error


def _of_list(message: str) -> str:
    """Name what a line states as it is written there, and not as an option."""

    def named(option: re.Match[str]) -> str:
        name = option[1].replace("-", "_")
        return f"`{name}`" if name in GrantInputs.model_fields else option[0]

    return re.sub(r"--([a-z-]+)", named, message)

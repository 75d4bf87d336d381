"""How does an act approve the list of a call, or bring it up to date?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from config.logs import log
from models.tables import Application, ApprovedList, ListedChange
from models.vocabulary import (
    ApplicationState,
    CallEvent,
    Event,
    ListChange,
)
from workflow.desk import Desk
from workflow.errors import ConflictError, RefusedError
from workflow.facts import ActFacts
from workflow.machine import Inputs
from workflow.moves.calls import UpdateListInputs, keeps_a_list
from workflow.rules import lists
from workflow.rules.lists import Change
from workflow.services import (
    call_acts,
    call_moves,
    lookups,
    mailings,
    memberships,
    officers,
)
from workflow.services.call_asked import Asked
from workflow.services.entries import EntryRef
from workflow.services.making import make
from workflow.services.memberships import Standing
from workflow.services.open_calls import OpenCall
from workflow.services.windows import opened

_LONGEST_NAME = 120
_EVENTS: Mapping[ListChange, Event] = {
    ListChange.ADDED: Event.ENTER_LIST,
    ListChange.CHANGED: Event.CHANGE_ON_LIST,
    ListChange.REMOVED: Event.LEAVE_LIST,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom an act is about, as somebody names them."""

    add: tuple[str, ...] = ()
    change: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    all_worthy: bool = False
    """Add everybody who was found worthy; so it is if nobody is named at all."""

    @property
    def adds_all(self) -> bool:
        """Tell whether everybody who was found worthy is added."""
        return self.all_worthy or not (self.add or self.change or self.remove)


def update(  # noqa: PLR0913 - the parts of an act
    desk: Desk,
    code: str,
    wanted: Wanted,
    *,
    act: str,
    reason: str,
    dry_run: bool = False,
    meant: bool = False,
    seen: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make the next version of a list by one act (*aggiornamento*): all, or nothing.

    With *meant* the dry run is that of a command that is meant: its refusal is
    recorded too. *seen* is what the dry run told: nothing else is done.

    Raises:
        RefusedError: one of them cannot be added, changed or taken off.
        InputError: the act or the reason cannot be read.
        ConflictError: what it does is not any more what was seen.
    """
    lookups.refuse_unwritable("act", act, lookups.LONGEST_ACT)
    lookups.refuse_unwritable("reason", reason, lookups.LONGEST_REASON)
    for name in (*wanted.add, *wanted.change, *wanted.remove):
        lookups.refuse_unwritable("application", name, _LONGEST_NAME)
    given = UpdateListInputs(add=wanted.add, change=wanted.change, remove=wanted.remove)
    asked = Asked(CallEvent.UPDATE_LIST, given, lookups.read_act(act), reason)
    try:
        with opened(desk, code, keep=not dry_run) as work:
            told = _Update(work, wanted, asked).adopt()
            if seen is not None and seen["sha256"] != told["sha256"]:
                raise ConflictError(
                    "list.changed",
                    f"{code} changed meanwhile, and the act would not make any more "
                    "the list that was shown: nothing was done; look at it again",
                )
    except RefusedError as error:
        if meant or not dry_run:
            call_acts.record_refusal(desk, code, asked, error)
        raise
    if not dry_run:
        log.info("list_updated", call=code, version=told["version"])
    return {"call": code, **told, "dry_run": dry_run}


@dataclass(frozen=True)
class _Update:
    work: OpenCall
    wanted: Wanted
    asked: Asked

    @property
    def act(self) -> ActFacts:
        assert self.asked.act is not None  # noqa: S101 - read before the call is opened
        return self.asked.act

    def adopt(self) -> dict[str, Any]:
        """Write the version, its entry, and the move of every member it is about."""
        session, call = self.work.session, self.work.call
        actor = officers.identify(session, self.work.desk)
        before = memberships.standing(session, call.id)
        files = self._files() if keeps_a_list(self.work.rules().definition) else {}
        changes = self._changes(files, before)
        number = before.version + 1
        then = lists.after(before.members, number, changes)
        told = _told(number, then, changes)
        asked = replace(self.asked, inputs=_inputs(changes), findings={"list": told})
        moved = call_moves.make(session, self.work.desk, call, actor, asked)
        self._write(number, told, changes, entry=moved.entry, actor=actor)
        for file, kind in files.values():
            self._move(file, kind, actor, number)
        return {
            "version": number,
            "act": str(self.act),
            **{
                kind.value: [one.protocol for one in changes if one.kind is kind]
                for kind in ListChange
            },
            "size": told["size"],
            "sha256": told["sha256"],
            "entry": {"seq": moved.entry.seq, "hash": moved.entry.hash},
            "notices": mailings.written_since(session, call, self.work.began),
        }

    def _files(self) -> dict[UUID, tuple[Application, ListChange]]:
        """Find the applications that the act is about; each is named once."""
        named = [
            (self._find(name), kind)
            for kind, names in (
                (ListChange.ADDED, self.wanted.add),
                (ListChange.CHANGED, self.wanted.change),
                (ListChange.REMOVED, self.wanted.remove),
            )
            for name in names
        ]
        times = Counter(file.id for file, _ in named)
        for file, _ in named:
            if times[file.id] > 1:
                raise RefusedError(
                    "list.doubled",
                    f"{lookups.named(file)} is named {times[file.id]} times; an act "
                    "does one thing with each member: name it once",
                )
        if self.wanted.adds_all:
            chosen = {file.id for file, _ in named}
            worthy = [file for file in self._worthy() if file.id not in chosen]
            named += [(file, ListChange.ADDED) for file in worthy]
        named.sort(key=lambda one: lookups.named(one[0]))
        return {file.id: (file, kind) for file, kind in named}

    def _find(self, name: str) -> Application:
        found = lookups.find_application(self.work.session, name)
        if found.call_id != self.work.call.id:
            raise RefusedError(
                "list.another_call",
                f"{name} is a proposal to another call, and has no place on this list",
            )
        return found

    def _worthy(self) -> Sequence[Application]:
        return self.work.session.exec(
            select(Application)
            .where(Application.call_id == self.work.call.id)
            .where(Application.state == ApplicationState.WORTHY)
            .order_by(col(Application.id))
        ).all()

    def _changes(
        self, files: Mapping[UUID, tuple[Application, ListChange]], before: Standing
    ) -> list[Change]:
        """Return what becomes of each; whoever stands elsewhere is refused here."""
        changes = []
        for file, kind in files.values():
            with _about(file):
                self.work.table.rows(_EVENTS[kind], file.state)
                known = before.members.get(str(file.id))
                now = memberships.behind(self.work.session, file)
                if kind is ListChange.CHANGED and known and known.behind == now:
                    raise RefusedError(
                        "list.member_unchanged",
                        "the same stand behind it as on the list, so that there is "
                        "nothing to approve; its partners change first, by "
                        f"`sportello advance {lookups.named(file)} change_partners`",
                    )
                if kind is ListChange.REMOVED and known:
                    now = known.behind
            protocol = lookups.named(file)
            changes.append(Change(kind, str(file.id), protocol, now))
        return changes

    def _write(
        self,
        number: int,
        told: Mapping[str, Any],
        changes: Sequence[Change],
        *,
        entry: EntryRef,
        actor: officers.Actor,
    ) -> None:
        session, call = self.work.session, self.work.call
        act = lookups.keep_act(session, self.work.desk, self.act, actor)
        session.add(
            ApprovedList(
                call_id=call.id,
                version=number,
                entry_seq=entry.seq,
                approved_at=entry.at,
                act_id=act.id,
                size=told["size"],
                sha256=told["sha256"],
            )
        )
        session.flush()
        session.add_all(
            ListedChange(
                call_id=call.id,
                version=number,
                application_id=UUID(change.application),
                change=change.kind,
                behind=" ".join(change.behind),
            )
            for change in changes
        )
        session.flush()

    def _move(
        self, file: Application, kind: ListChange, actor: officers.Actor, number: int
    ) -> None:
        self.work.session.refresh(file, with_for_update=True)
        with _about(file):
            make(
                self.work,
                file,
                actor,
                _EVENTS[kind],
                given=Inputs(),
                act=self.act,
                reason=self.asked.reason,
                notes={"list": {"version": number}},
            )


def _inputs(changes: Sequence[Change]) -> UpdateListInputs:
    def of(kind: ListChange) -> tuple[str, ...]:
        return tuple(one.protocol for one in changes if one.kind is kind)

    return UpdateListInputs(
        add=of(ListChange.ADDED),
        change=of(ListChange.CHANGED),
        remove=of(ListChange.REMOVED),
    )


def _told(
    number: int, then: lists.Members, changes: Sequence[Change]
) -> dict[str, Any]:
    """Return what the entry says of a version: the difference, and the whole's hash."""
    return {
        "version": number,
        "size": len(then),
        "sha256": lists.fingerprint(then),
        "changes": [
            {
                "change": change.kind.value,
                "application": change.application,
                "protocol": change.protocol,
                "behind": list(change.behind),
            }
            for change in changes
        ],
    }


@contextmanager
def _about(file: Application) -> Iterator[None]:
    """Name the proposal in what is refused."""
    name = lookups.named(file)
    try:
        yield
    except RefusedError as error:
        raise RefusedError(
            error.code,
            f"{name}: {error.message}; the list stays as it is",
            {**error.details, "application": name},
            recorded=f"{name}: {error.recorded}",
        ) from error

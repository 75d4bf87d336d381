"""Which files is a group of submissions about, and whose are they?

They are read at once when the group begins, and what the lines bring is written at
once when it ends.
"""

from collections.abc import Container, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from sqlmodel import col, delete
from sqlmodel import select as rows

from models.batch import unwatched
from models.session import add_all_unless_there, add_unless_there
from models.tables import (
    Aid,
    Applicant,
    ApplicantLink,
    Application,
    Command,
    Document,
    ProtocolCounter,
)
from models.vocabulary import NOT_ACTIVE, ApplicationState
from workflow.errors import RefusedError
from workflow.facts import PartnershipFacts
from workflow.rules.calendar import civil_day
from workflow.services import answers, case_files, lookups, partnerships
from workflow.services.open_calls import OpenCall
from workflow.services.partnerships import Joined
from workflow.services.submissions import FiledApplicant, Submission

Contents: TypeAlias = dict[str, Any]
"""What a line says of an application, by column."""


class OvertakenError(Exception):
    """Another call has written an applicant first, whom entries name otherwise.

    Nothing of the group was kept; taken in once more, it knows them.
    """


class Bundle:
    """The files (*fascicoli*) that the lines of a group are about.

    With who files them, what they bring and the protocol counter they count on.
    """

    def __init__(self, work: OpenCall, filed: Sequence[Submission]) -> None:
        self.work = work
        self.given = self._given({one.idempotency_key for one in filed})
        """What was answered to the commands that have been seen before."""
        self._files = self._found({one.portal_id for one in filed})
        named = {one.applicant.tax_code for one in filed}
        named.update(other.tax_code for one in filed for other in one.partners)
        self._applicants = self._known(named)
        self.active = self._active()
        """The application that each applicant has already, by its name."""
        self.held = self._held()
        """The application in which each is already, as lead or partner, by its name.

        Only where nobody may be in two; by tax code: a new one has no lasting
        identifier yet.
        """
        self._numbers: dict[int, ProtocolCounter] = {}
        self._new: list[tuple[Application, Applicant]] = []
        self._newcomers: list[Applicant] = []

    # What is known

    def _given(self, keys: set[str]) -> dict[str, answers.Given]:
        found = self.work.session.exec(
            rows(Command)
            .where(Command.call_id == self.work.call.id)
            .where(col(Command.key).in_(keys))
        )
        return {one.key: answers.Given(one.digest, one.answer) for one in found}

    def _found(self, portal_ids: set[str]) -> dict[str, Application]:
        found = self.work.session.exec(
            rows(Application)
            .where(Application.call_id == self.work.call.id)
            .where(col(Application.portal_id).in_(portal_ids))
            .where(Application.state != ApplicationState.EXPIRED)
        )
        return {application.portal_id: application for application in found}

    def _known(self, tax_codes: set[str]) -> dict[str, Applicant]:
        """Return who has applied before, and keep them from being erased meanwhile.

        In the order in which whoever erases them locks them.
        """
        found = self.work.session.exec(
            rows(Applicant)
            .where(col(Applicant.tax_code).in_(tax_codes))
            .order_by(col(Applicant.id))
            .with_for_update(read=True, key_share=True)
        )
        return {_code(applicant): applicant for applicant in found}

    def _active(self) -> dict[UUID, str]:
        found = self.work.session.exec(
            rows(Application)
            .where(Application.call_id == self.work.call.id)
            .where(
                col(Application.applicant_id).in_(
                    [applicant.id for applicant in self._applicants.values()]
                )
            )
            .where(col(Application.state).not_in(NOT_ACTIVE))
        )
        return {
            application.applicant_id: lookups.named(application)
            for application in found
        }

    def _held(self) -> dict[str, str]:
        rules = self.work.rules().definition.partnership
        if rules is None or not rules.one_application_each:
            return {}
        codes = {applicant.id: code for code, applicant in self._applicants.items()}
        found = partnerships.elsewhere(self.work.session, self.work.call.id, codes)
        return {codes[who]: name for who, name in found.items()}

    # One line

    def find(
        self, filed: Submission, contents: Contents
    ) -> tuple[Application, Applicant]:
        """Return the file that a line is about, or a new one, and who files it.

        Raises:
            RefusedError: its `portal_id` is that of another file.
        """
        applicant = self._applicant(filed.applicant)
        known = self._draft(filed, applicant)
        return known or self._empty(filed, applicant, contents), applicant

    def _applicant(self, filed: FiledApplicant) -> Applicant:
        known = self._applicants.get(filed.tax_code)
        if known is not None:
            return known
        return unwatched(
            Applicant,
            id=self.work.desk.ambient.new_id(),
            tax_code=filed.tax_code,
            name=filed.name,
            pec=filed.pec,
            salt=self.work.desk.ambient.new_id().hex,
        )

    def partners(self, filed: Submission) -> tuple[Joined, ...]:
        """Return who applies together with the applicant of a line."""
        new_id = self.work.desk.ambient.new_id
        return tuple(
            Joined(
                self._applicants.get(one.tax_code)
                or partnerships.newcomer(one, new_id),
                one.kind,
            )
            for one in filed.partners
        )

    def settle(self, who: Sequence[Applicant]) -> None:
        """Write those who are new, before an entry of the register refers to them.

        Only then is it known by which identifier: see `_write_newcomers`.
        """
        for applicant in who:
            if _code(applicant) not in self._applicants:
                self._applicants[_code(applicant)] = applicant
                self._newcomers.append(applicant)
        self._write_newcomers(unnamed={_code(one) for one in who})
        self.write()

    def _draft(self, filed: Submission, applicant: Applicant) -> Application | None:
        """Return the draft that the line is about, if there is one."""
        known = self._files.get(filed.portal_id)
        if known is not None and (
            known.state != ApplicationState.DRAFT or known.applicant_id != applicant.id
        ):
            raise RefusedError(
                "submission.portal_id_used",
                f"`portal_id` {filed.portal_id} is already that of "
                f"{lookups.named(known)}; a new application needs a new `portal_id`",
            )
        return known

    def _empty(
        self, filed: Submission, applicant: Applicant, contents: Contents
    ) -> Application:
        call = self.work.call
        return unwatched(
            Application,
            id=self.work.desk.ambient.new_id(),
            call_id=call.id,
            applicant_id=applicant.id,
            portal_id=filed.portal_id,
            state=ApplicationState.DRAFT,
            changed_at=call.last_instant,
            **contents,
        )

    def keep(
        self,
        filed: Submission,
        case: case_files.CaseFile,
        together: PartnershipFacts | None = None,
    ) -> None:
        """Keep what the line brought, to be written with the group.

        *together* is who applies with the applicant: a draft binds nobody yet, and
        the line that files it names them.
        """
        application, applicant, told = case.application, case.applicant, filed.applicant
        is_new = filed.portal_id not in self._files
        if not is_new:
            self._forget_papers(application)
        if (applicant.name, applicant.pec) != (told.name, told.pec):
            applicant.name, applicant.pec = told.name, told.pec
        if told.tax_code not in self._applicants:
            self._applicants[told.tax_code] = applicant
            self._newcomers.append(applicant)
        self._files[filed.portal_id] = application
        if is_new:
            self._new.append((application, applicant))
        batch, ambient = self.work.batch, self.work.desk.ambient
        for document in filed.documents:
            batch.add(
                Document,
                id=ambient.new_id(),
                application_id=application.id,
                kind=document.kind,
                name=document.name,
                sha256=document.sha256,
                filed_at=application.changed_at,
            )
        for aid in filed.aids:
            batch.add(
                Aid,
                id=ambient.new_id(),
                application_id=application.id,
                granted_on=aid.granted_on,
                amount=aid.amount,
                grantor=aid.grantor,
            )
        for code in dict.fromkeys(told.linked):
            if code != told.tax_code:
                batch.add(ApplicantLink, application_id=application.id, tax_code=code)
        if together is not None:
            partnerships.join(self.work, application.id, together.partners)

    def _forget_papers(self, application: Application) -> None:
        """Let a line replace what an earlier one about the same draft brought."""
        self.write()
        session = self.work.session
        session.exec(
            delete(Document).where(col(Document.application_id) == application.id)
        )
        for table in (Aid, ApplicantLink):
            session.exec(
                delete(table).where(col(table.application_id) == application.id)
            )

    # All of it

    def number(self, year: int) -> ProtocolCounter:
        """Lock the counter of a civil year (art. 57 DPR 445/2000).

        It is one for the whole administration, so it is locked last; it moves on
        only once an application is taken in, so that a refusal leaves no gap.
        """
        if year not in self._numbers:
            session = self.work.session
            add_unless_there(session, ProtocolCounter(year=year, last=0))
            self._numbers[year] = session.get_one(
                ProtocolCounter, year, with_for_update=True, populate_existing=True
            )
        return self._numbers[year]

    def write(self) -> None:
        """Write what was gathered so far."""
        self._write_newcomers()
        for application, applicant in self._new:
            application.applicant_id = applicant.id
            self.work.batch.keep(Application, application)
        self.work.flush()
        drafts = [one for one, _ in self._new if one.state == ApplicationState.DRAFT]
        for draft in drafts:  # a later line of the group may be about it
            stored = self.work.session.get_one(Application, draft.id)
            self._files[draft.portal_id] = stored
        self._new.clear()

    def close(self) -> None:
        """Write the rest, and leave no counter that only refused lines asked for."""
        self.write()
        for number in self._numbers.values():
            if not number.last:
                self.work.session.delete(number)

    def _write_newcomers(self, unnamed: Container[str] = ()) -> None:
        """Write who has never applied before.

        Another call may be taking the same applicant in at this moment: whoever
        is first gives it its identifier. In the order of tax codes, so that nobody
        waits for somebody who waits for them. No entry names the *unnamed* yet.

        Raises:
            OvertakenError: another call was first.
        """
        if not self._newcomers:
            return
        # The protocol counter first: whoever has it waits for no applicant that
        # somebody else is writing, and nobody waits the other way round.
        self.number(civil_day(self.work.call.last_instant).year)
        session = self.work.session
        named = sorted(self._newcomers, key=_code)
        add_all_unless_there(session, Applicant, [vars(one) for one in named])
        found = session.exec(
            rows(Applicant).where(
                col(Applicant.tax_code).in_([_code(one) for one in named])
            )
        )
        stored = {_code(applicant): applicant for applicant in found}
        for applicant in named:
            kept = stored[_code(applicant)]
            if kept.id != applicant.id and _code(applicant) not in unnamed:
                raise OvertakenError
            told = applicant.name, applicant.pec
            # Of who applies itself what it says counts, not what others say of it.
            if applicant.pec and (kept.name, kept.pec) != told:
                kept.name, kept.pec = told
            applicant.id = kept.id
            self._applicants[_code(applicant)] = kept
        self._newcomers.clear()


def _code(applicant: Applicant) -> str:
    """Return by what an applicant is known: nobody who was erased files anything."""
    assert applicant.tax_code is not None  # noqa: S101 - see above
    return applicant.tax_code

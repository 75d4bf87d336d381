"""Who works in an office, who stands in for whom, and who may do what?

A model of a few lines, as the documentation tells it; it asks no rule of the product.
"""

from dataclasses import dataclass, field
from datetime import date

from models.vocabulary import Event, Role
from tests.builders import EVERYBODY

HIRED: dict[str, tuple[Role, ...]] = {
    **EVERYBODY,
    "second": (Role.EVALUATOR,),
    "vice": (Role.MANAGER,),
}

WHO: dict[str, tuple[Role, ...]] = {
    Event.SUBMIT: (Role.INTAKE,),
    Event.DECLARE_NOT_RECEIVABLE: (Role.RESPONSIBLE,),
    Event.START_REVIEW: (Role.OFFICER,),
    Event.ADMIT: (Role.RESPONSIBLE,),
    Event.NOTIFY_REFUSAL: (Role.RESPONSIBLE,),
    Event.FILE_OBSERVATIONS: (Role.INTAKE,),
    Event.DECLARE_INADMISSIBLE: (Role.MANAGER,),
    Event.EVALUATE: (Role.EVALUATOR,),
    Event.REJECT: (Role.MANAGER,),
    Event.PUT_ON_WAITING_LIST: (Role.RESPONSIBLE,),
    Event.DECLARE_UNFUNDED: (Role.MANAGER,),
    Event.GRANT: (Role.MANAGER,),
    Event.RECORD_PUBLICATION: (Role.OFFICER,),
    Event.CONVENE_NEGOTIATION: (Role.RESPONSIBLE,),
    Event.SIGN_MINUTES: (Role.RESPONSIBLE,),
    Event.FILE_PLAN: (Role.INTAKE,),
    Event.DETERMINE_AMOUNT: (Role.MANAGER,),
    Event.ACCEPT: (Role.INTAKE,),
    Event.START: (Role.INTAKE,),
    Event.WITHDRAW: (Role.INTAKE,),
    Event.PROPOSE_REVOCATION: (Role.RESPONSIBLE, Role.OFFICER),
    Event.REVOKE: (Role.MANAGER,),
    Event.DISMISS_LAPSE: (Role.MANAGER,),
    Event.LAPSE: (Role.MANAGER,),
    Event.RECORD_DELIVERY: (Role.OFFICER,),
    Event.RELEASE_NOTICE: (Role.RESPONSIBLE,),
    Event.DECLARE_CONFLICT: (
        Role.MANAGER,
        Role.RESPONSIBLE,
        Role.OFFICER,
        Role.EVALUATOR,
    ),
}
WHO[Event.END_CONFLICT] = WHO[Event.DECLARE_CONFLICT]
"""The matrix of the documentation, as far as it is tried here."""

PROPOSE: dict[str, set[Event]] = {
    Event.DECLARE_NOT_RECEIVABLE: {Event.SUBMIT},
    Event.DECLARE_INADMISSIBLE: {Event.START_REVIEW, Event.NOTIFY_REFUSAL},
    Event.REJECT: {Event.EVALUATE, Event.NOTIFY_REFUSAL},
    Event.GRANT: {Event.ADMIT, Event.EVALUATE},
    Event.DECLARE_UNFUNDED: {Event.ADMIT, Event.EVALUATE, Event.PUT_ON_WAITING_LIST},
    Event.LAPSE: {Event.PROPOSE_LAPSE},
    Event.REVOKE: {Event.PROPOSE_REVOCATION},
}
"""Whoever made one of these does not make that."""

IMPARTIAL = {
    *PROPOSE,
    Event.EVALUATE,
    Event.ANNUL,
    Event.DETERMINE_AMOUNT,
    Event.DISMISS_LAPSE,
    Event.EXTEND_TERM,
    Event.GRANT_EXTENSION,
    Event.SETTLE,
}
"""Whoever has a conflict of interests neither scores nor makes an act."""


@dataclass
class Officer:
    """Somebody who works here, and the roles they hold themselves."""

    roles: set[Role]
    retired: bool = False


@dataclass
class Loan:
    """A role that one delegates to another, on some days; both ends belong to it."""

    giver: str
    taker: str
    role: Role
    first: date
    last: date
    ended: bool = False


@dataclass
class Staff:
    """Everybody, by login, and who stands in for whom."""

    officers: dict[str, Officer]
    loans: list[Loan] = field(default_factory=list)

    def own(self, login: str) -> set[Role]:
        return self.officers[login].roles if login in self.officers else set()

    def lent(self, login: str, today: date) -> dict[Role, str]:
        """Return what somebody holds for another alone, and for whom."""
        return {
            loan.role: loan.giver
            for loan in self.loans
            if loan.taker == login
            and not loan.ended
            and loan.first <= today <= loan.last
            and loan.role in self.own(loan.giver) - self.own(login)
        }

    def role_of(self, login: str, roles: tuple[Role, ...], today: date) -> Role | None:
        """Return the first of some roles that somebody has today."""
        held = self.own(login) | self.lent(login, today).keys()
        return next((role for role in roles if role in held), None)

    def in_the_way(self, login: str, roles: tuple[Role, ...], today: date) -> set[str]:
        """Return why somebody may not act in any of some roles."""
        if login not in self.officers:
            return {"officer.unknown"}
        if self.officers[login].retired:
            return {"officer.retired"}
        return set() if self.role_of(login, roles, today) else {"role.missing"}

    @property
    def administrators(self) -> set[str]:
        return {
            login
            for login, one in self.officers.items()
            if Role.ADMINISTRATOR in one.roles
        }

    def retire(self, login: str) -> None:
        self.officers[login] = Officer(set(), retired=True)
        for loan in self.loans:
            loan.ended |= login in {loan.giver, loan.taker}

"""Which words does the whole system speak?"""

from enum import StrEnum
from typing import NewType
from uuid import UUID

ApplicationId = NewType("ApplicationId", UUID)
CallId = NewType("CallId", UUID)

Cents = NewType("Cents", int)
"""An amount in whole euro cents; never a float, never a fraction of a cent."""

Family = NewType("Family", str)
"""Which table of moves a call follows (*tipo di procedura*): its name.

No closed list: a family is a table of moves and a form of call files.
"""


class ApplicationState(StrEnum):
    """Where an application (*domanda*) stands.

    A state never says that a clock is stopped or a letter is awaited: those
    are open steps beside it (`StepKind`).
    """

    DRAFT = "draft"
    """*Bozza*: announced by the portal, not yet filed."""
    SUBMITTED = "submitted"
    """*Inviata*: protocolled, its place in the order is frozen."""
    ADMISSIBLE = "admissible"
    """*Ammissibile*: the formal check is passed."""
    EVALUATED = "evaluated"
    """*Valutata*: the review board has given its score, high or low.

    Where it gives none: it has not found it worthy, and a refusal may follow.
    """
    GRANTED = "granted"
    """*Concessa*: the grant is given, in a call without negotiation."""
    NEGOTIATING = "negotiating"
    """*Ammessa, in negoziazione*: the grant is given, phase 2 is under way."""
    ACCEPTED = "accepted"
    """*Accettata*: the applicant has accepted the determined amount."""
    IN_PROGRESS = "in_progress"
    """*In corso*: the definitive plan has started."""
    COMPLETED = "completed"
    """*Conclusa*: reported and settled; later controls may still revoke it."""
    NOT_RECEIVABLE = "not_receivable"
    """*Irricevibile*: arrived late or by a channel that the call excludes."""
    INADMISSIBLE = "inadmissible"
    """*Inammissibile*: the formal check failed."""
    REJECTED = "rejected"
    """*Non ammessa*: the merit is below the threshold."""
    WAITING = "waiting"
    """*In lista d'attesa*: good, but there is no money now."""
    UNFUNDED = "unfunded"
    """*Non finanziata per esaurimento delle risorse*."""
    WITHDRAWN = "withdrawn"
    """*Rinunciata*: the applicant gave it up."""
    LAPSED = "lapsed"
    """*Decaduta*: a peremptory term was missed and an act says so."""
    REVOKED = "revoked"
    """*Revocata*."""
    ANNULLED = "annulled"
    """*Annullata* in self-protection (*autotutela*) or by a judgment."""
    EXPIRED = "expired"
    """*Scaduta*: a draft that was never submitted."""
    WORTHY = "worthy"
    """*Ritenuta meritevole*: the board has found it worthy of the approved list."""
    LISTED = "listed"
    """*In elenco*: an act has put it on the approved list."""
    REMOVED = "removed"
    """*Cancellata dall'elenco*: an act has taken it off the approved list."""


FINAL_STATES = frozenset(
    {
        ApplicationState.NOT_RECEIVABLE,
        ApplicationState.INADMISSIBLE,
        ApplicationState.REJECTED,
        ApplicationState.UNFUNDED,
        ApplicationState.WITHDRAWN,
        ApplicationState.LAPSED,
        ApplicationState.REVOKED,
        ApplicationState.ANNULLED,
        ApplicationState.EXPIRED,
        ApplicationState.REMOVED,
    }
)
"""States that no move leaves. `COMPLETED` is not one: later controls may revoke."""

NOT_ACTIVE = FINAL_STATES | {ApplicationState.DRAFT}
"""States in which an application does not keep its applicant from filing another."""

QUEUED_STATES = frozenset(
    {
        ApplicationState.SUBMITTED,
        ApplicationState.ADMISSIBLE,
        ApplicationState.EVALUATED,
        ApplicationState.WAITING,
        ApplicationState.WORTHY,
    }
)
"""States in which an application still holds its place and waits for a grant.

Where nothing is granted: for the act that puts it on a list.
"""


class Event(StrEnum):
    """What can happen to an application; an imperative, as in an order given."""

    REGISTER_DRAFT = "register_draft"
    SUBMIT = "submit"
    EXPIRE = "expire"
    DECLARE_NOT_RECEIVABLE = "declare_not_receivable"
    START_REVIEW = "start_review"
    REQUEST_COMPLETION = "request_completion"
    ANSWER_COMPLETION = "answer_completion"
    EXPIRE_COMPLETION = "expire_completion"
    YIELD_RESERVATION = "yield_reservation"
    NOTIFY_REFUSAL = "notify_refusal"
    FILE_OBSERVATIONS = "file_observations"
    EXPIRE_OBSERVATIONS = "expire_observations"
    UPHOLD_OBSERVATIONS = "uphold_observations"
    ADMIT = "admit"
    DECLARE_INADMISSIBLE = "declare_inadmissible"
    DECLARE_CONFLICT = "declare_conflict"
    """*Conflitto di interessi*: whoever declares it abstains (art. 6-bis L. 241)."""
    END_CONFLICT = "end_conflict"
    """It was declared wrongly, or has ended: whoever abstained need not any more."""
    EVALUATE = "evaluate"
    REJECT = "reject"
    ENTER_SET = "enter_set"
    """The set to be ranked is closed with it: its procedure begins to run."""
    FUND = "fund"
    """*Ammessa e finanziata*, all of it or a part, by the act on the ranking."""
    ADMIT_UNFUNDED = "admit_unfunded"
    """*Ammessa e non finanziata* by the act on the ranking."""
    RAISE_GRANT = "raise_grant"
    """*Integrazione della concessione*: of what the ranking has added to a grant."""
    PUT_ON_WAITING_LIST = "put_on_waiting_list"
    PROMOTE = "promote"
    DECLARE_UNFUNDED = "declare_unfunded"
    GRANT = "grant"
    RECORD_PUBLICATION = "record_publication"
    CONFIRM_COR = "confirm_cor"
    RELEASE_COR = "release_cor"
    """The code of the aid registry has lapsed (*decadenza del COR*)."""
    RENEW_COR = "renew_cor"
    RECORD_DELIVERY = "record_delivery"
    RELEASE_NOTICE = "release_notice"
    """A letter that the call holds back may go (*rilascio di una comunicazione*)."""
    CONVENE_NEGOTIATION = "convene_negotiation"
    SIGN_MINUTES = "sign_minutes"
    FILE_PLAN = "file_plan"
    RETURN_PLAN = "return_plan"
    DETERMINE_AMOUNT = "determine_amount"
    ACCEPT = "accept"
    START = "start"
    APPROVE_VARIATION = "approve_variation"
    GRANT_EXTENSION = "grant_extension"
    DECLARE_END = "declare_end"
    FILE_REPORT = "file_report"
    SETTLE = "settle"
    PROPOSE_LAPSE = "propose_lapse"
    DISMISS_LAPSE = "dismiss_lapse"
    EXPIRE_PROPOSAL = "expire_proposal"
    """A proposal on which nobody decided in time falls."""
    LAPSE = "lapse"
    CHANGE_PARTNERS = "change_partners"
    """*Modifica del partenariato*, once the application is filed."""
    EXTEND_TERM = "extend_term"
    """*Proroga di un termine* for one applicant."""
    EXPIRE_TERM = "expire_term"
    RESUME_TERM = "resume_term"
    """A suspension has reached its limit: the clock goes on by itself."""
    REMIND_TERM = "remind_term"
    """*Promemoria* to the applicant of a term that is about to end."""
    ESCALATE_TERM = "escalate_term"
    """*Potere sostitutivo*: the manager is told of a term that the office missed."""
    WITHDRAW = "withdraw"
    PROPOSE_REVOCATION = "propose_revocation"
    """*Proposta di revoca*, on which another person decides."""
    REVOKE = "revoke"
    ANNUL = "annul"
    FIND_WORTHY = "find_worthy"
    """*Valutazione di meritevolezza*: worthy of the approved list."""
    FIND_UNWORTHY = "find_unworthy"
    ENTER_LIST = "enter_list"
    """*Inserimento in elenco*, by the act that updates the list."""
    CHANGE_ON_LIST = "change_on_list"
    """*Aggiornamento* of who stands behind a member of the list."""
    LEAVE_LIST = "leave_list"
    """*Cancellazione dall'elenco*."""
    ASK_TO_LEAVE_LIST = "ask_to_leave_list"
    """*Rinuncia* of a member of the list: an act takes it off."""


class Role(StrEnum):
    """In what capacity somebody acts."""

    INTAKE = "intake"
    """*Protocollo*: takes in what the applicant files."""
    OFFICER = "officer"
    """*Istruttore*: examines the files."""
    RESPONSIBLE = "responsible"
    """*Responsabile unico del procedimento* (RUP)."""
    EVALUATOR = "evaluator"
    """*Nucleo di valutazione*: the merit review board."""
    MANAGER = "manager"
    """*Dirigente*: signs the acts."""
    AUDITOR = "auditor"
    """*Organo di controllo*: reads and verifies."""
    ADMINISTRATOR = "administrator"
    """Keeps the officers and the database."""
    SYSTEM = "system"
    """A worker; it never carries a person's name."""


class OfficeEvent(StrEnum):
    """What can happen to those who work here; an imperative, as in an order given."""

    BEGIN_OFFICE = "begin_office"
    """Whoever was there before their changes were written down."""
    ADD_OFFICER = "add_officer"
    GIVE_ROLES = "give_roles"
    END_ROLES = "end_roles"
    RETIRE_OFFICER = "retire_officer"
    DELEGATE_ROLE = "delegate_role"
    """*Delega* of a role, by an act."""
    END_DELEGATION = "end_delegation"


class Decision(StrEnum):
    """What one person proposes and another decides (*proposta e adozione*)."""

    GRANT = "grant"
    """*Concessione*."""
    REFUSAL = "refusal"
    """*Rigetto*, after the formal check or for its merit."""
    LAPSE = "lapse"
    """*Decadenza*."""
    REVOCATION = "revocation"
    """*Revoca*."""
    LISTING = "listing"
    """*Aggiornamento dell'elenco*: who is put on it, and who is taken off."""


class ActorKind(StrEnum):
    """Who stands behind an entry of the register."""

    PERSON = "person"
    WORKER = "worker"
    UNKNOWN = "unknown"
    """Somebody who was refused because they are not a known officer."""


class Outcome(StrEnum):
    """Whether a command was carried out."""

    OK = "ok"
    REFUSED = "refused"


class Channel(StrEnum):
    """By which way an application arrived (*canale di presentazione*)."""

    PORTAL = "portal"
    PEC = "pec"
    PAPER = "paper"


class MemberKind(StrEnum):
    """What a member of a partnership (*partenariato, aggregazione*) is."""

    FIRM = "firm"
    """*Impresa*."""
    RESEARCH = "research"
    """*Organismo di ricerca*."""
    PUBLIC = "public"
    """*Ente pubblico*."""
    OTHER = "other"


class StepKind(StrEnum):
    """What may stand open beside a state."""

    REVIEW = "review"
    """*Istruttoria formale*."""
    COMPLETION_REQUEST = "completion_request"
    """*Soccorso istruttorio*."""
    REFUSAL_NOTICE = "refusal_notice"
    """*Preavviso di rigetto* (art. 10-bis L. 241/1990)."""
    NEGOTIATION = "negotiation"
    """*Incontro di negoziazione*."""
    DEFINITIVE_PLAN = "definitive_plan"
    """*Piano di attività definitivo*."""
    DETERMINATION = "determination"
    """*Determinazione dell'agevolazione*."""
    REPORT = "report"
    """*Rendicontazione*."""
    LAPSE_PROPOSAL = "lapse_proposal"
    """*Proposta di decadenza*."""
    REVOCATION_PROPOSAL = "revocation_proposal"
    """*Proposta di revoca*."""
    REMOVAL_REQUEST = "removal_request"
    """*Richiesta di cancellazione* from the list, by the lead."""


class StepStatus(StrEnum):
    """How a step stands."""

    OPEN = "open"
    """Somebody has to do something."""
    ANSWERED = "answered"
    """The applicant has replied; the office has to decide."""
    CLOSED = "closed"


class TermKind(StrEnum):
    """Which terms (*termini*) a call may set."""

    CONCLUSION = "conclusion"
    """Conclusion of the procedure, from the protocol (art. 2 L. 241/1990)."""
    FORMAL_CHECK = "formal_check"
    MERIT = "merit"
    COMPLETION = "completion"
    """The applicant's reply to a completion request."""
    OBSERVATIONS = "observations"
    """Observations on a notice of refusal (art. 10-bis L. 241/1990)."""
    NEGOTIATION = "negotiation"
    DEFINITIVE_PLAN = "definitive_plan"
    PLAN_CHECK = "plan_check"
    PLAN_CORRECTION = "plan_correction"
    ACCEPTANCE = "acceptance"
    START = "start"
    DURATION = "duration"
    REPORT = "report"
    PAYMENT = "payment"
    AID_REGISTRY = "aid_registry"
    """Sending the act of grant to the aid registry (COR, art. 9 DM 115/2017)."""
    LAPSE_DECISION = "lapse_decision"
    """Deciding on a proposal of lapse; a call may do without it."""


class TermStart(StrEnum):
    """Which fact starts a term (*dies a quo*)."""

    PROTOCOL = "protocol"
    CLOSING = "closing"
    """The closing of the call, for all who are ranked together."""
    REVIEW_STARTED = "review_started"
    ADMITTED = "admitted"
    COMPLETION_DELIVERED = "completion_delivered"
    REFUSAL_NOTICE_DELIVERED = "refusal_notice_delivered"
    GRANTED = "granted"
    GRANT_DELIVERED = "grant_delivered"
    PUBLISHED = "published"
    """The publication of the grant."""
    MINUTES_SIGNED = "minutes_signed"
    PLAN_FILED = "plan_filed"
    PLAN_RETURN_DELIVERED = "plan_return_delivered"
    DETERMINATION_DELIVERED = "determination_delivered"
    ACCEPTED = "accepted"
    STARTED = "started"
    ENDED = "ended"
    REPORT_FILED = "report_filed"
    LAPSE_PROPOSED = "lapse_proposed"


class TermEffect(StrEnum):
    """What a worker does when a term expires; never an act."""

    WARN = "warn"
    STOP_WAITING = "stop_waiting"
    PROPOSE_LAPSE = "propose_lapse"
    RELEASE_COR = "release_cor"
    END_PLAN = "end_plan"
    EXPIRE_PROPOSAL = "expire_proposal"


class TermStatus(StrEnum):
    """How a term stands."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    MET = "met"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class MovementKind(StrEnum):
    """What a movement of money does to the allocation."""

    RESERVE = "reserve"
    GRANT = "grant"
    REDETERMINE = "redetermine"
    RELEASE = "release"
    RECOVER = "recover"


class Letter(StrEnum):
    """Which notice (*comunicazione*) is sent."""

    SUBMISSION_RECEIPT = "submission_receipt"
    PROCEDURE_START = "procedure_start"
    COMPLETION_REQUEST = "completion_request"
    REFUSAL_NOTICE = "refusal_notice"
    OBSERVATIONS_UPHELD = "observations_upheld"
    NOT_RECEIVABLE = "not_receivable"
    INADMISSIBLE = "inadmissible"
    REJECTED = "rejected"
    WAITING_LIST = "waiting_list"
    PROMOTED = "promoted"
    FUNDED = "funded"
    """*Esito della graduatoria*: funded, all of it or a part."""
    ADMITTED_UNFUNDED = "admitted_unfunded"
    """*Esito della graduatoria*: admitted, and no money for it."""
    FUNDING_CHANGED = "funding_changed"
    """*Scorrimento*: another amount, or another place, than before."""
    UNFUNDED = "unfunded"
    GRANT = "grant"
    CONVOCATION = "convocation"
    PLAN_DUE = "plan_due"
    PLAN_RETURNED = "plan_returned"
    AMOUNT_DETERMINED = "amount_determined"
    ACCEPTANCE_RECEIVED = "acceptance_received"
    START_DUE = "start_due"
    VARIATION_APPROVED = "variation_approved"
    EXTENSION_GRANTED = "extension_granted"
    TERM_EXTENDED = "term_extended"
    LAPSE_PROPOSED = "lapse_proposed"
    LAPSE_DISMISSED = "lapse_dismissed"
    LAPSED = "lapsed"
    WITHDRAWAL_ACKNOWLEDGED = "withdrawal_acknowledged"
    REVOKED = "revoked"
    ANNULLED = "annulled"
    SETTLED = "settled"
    REMINDER = "reminder"
    """*Promemoria* of a term that is about to end; it has no legal effect."""
    COUNTER_SUSPENDED = "counter_suspended"
    COUNTER_REOPENED = "counter_reopened"
    NOT_WORTHY = "not_worthy"
    LISTED = "listed"
    LIST_CHANGED = "list_changed"
    DELISTED = "delisted"


class NoticeStatus(StrEnum):
    """How far a notice has come."""

    HELD = "held"
    """Written with its move; an officer has to release it."""
    QUEUED = "queued"
    """Written, or released; it is to be sent."""
    SENT = "sent"
    """Handed over; nothing proves yet what became of it."""
    ACCEPTED = "accepted"
    """*Accettazione*: the sender's provider has it (art. 6 DPR 68/2005)."""
    DELIVERED = "delivered"
    """*Consegna*: it is in the recipient's mailbox (art. 3 DPR 68/2005)."""
    UNDELIVERED = "undelivered"
    """*Mancata consegna*, or refused for good before it left."""
    FULL_BOX = "full_box"
    """*Casella piena*: whether that counts as delivery, the call says."""
    UNKNOWN = "unknown"
    """A day has passed without a receipt; an officer has to find out."""
    DROPPED = "dropped"
    """Not sent: what it says had no object any more before it could be."""


class ReceiptKind(StrEnum):
    """What a receipt of certified mail says (*ricevuta PEC*, DPR 68/2005)."""

    ACCEPTED = "accepted"
    """*Accettazione*."""
    NOT_ACCEPTED = "not_accepted"
    """*Non accettazione*: it never left the sender's provider."""
    DELIVERED = "delivered"
    """*Avvenuta consegna*."""
    DELAYED = "delayed"
    """*Preavviso di mancata consegna*: not yet, after twelve hours."""
    UNDELIVERED = "undelivered"
    """*Mancata consegna*."""
    FULL_BOX = "full_box"
    """*Mancata consegna*, because the mailbox is full (*casella piena*)."""


class MemoKind(StrEnum):
    """Why somebody who works here is written to."""

    DIGEST = "digest"
    """What waits for an officer today."""
    ANCHOR = "anchor"
    """The anchor of the day, for the auditors."""


class CallState(StrEnum):
    """Where a call (*bando*) stands."""

    PUBLISHED = "published"
    """*Pubblicato*: its window has not opened yet."""
    OPEN = "open"
    """*Aperto*: applications are taken in."""
    SUSPENDED = "suspended"
    """*Sospeso*: nothing is taken in until it is reopened."""
    CLOSED = "closed"
    """*Chiuso*: the window is over; what came in is still being decided."""
    CONCLUDED = "concluded"
    """*Concluso*: everything that came in is decided, and an act says so."""
    ANNULLED = "annulled"
    """*Annullato* in self-protection (*autotutela*) or by a judgment."""


class CallEvent(StrEnum):
    """What can happen to a call; an imperative, as in an order given."""

    LOAD_CALL = "load_call"
    CHANGE_CALL = "change_call"
    """*Rettifica*: a new version, from a file."""
    EXTEND_CALL = "extend_call"
    """*Proroga*: a later closing."""
    REFINANCE_CALL = "refinance_call"
    """*Rifinanziamento*: a larger allocation."""
    APPLY_VERSION = "apply_version"
    """A version that was announced takes effect."""
    OPEN_CALL = "open_call"
    SUSPEND_CALL = "suspend_call"
    ANNOUNCE_REOPENING = "announce_reopening"
    REOPEN_CALL = "reopen_call"
    CLOSE_CALL = "close_call"
    RECORD_MALFUNCTION = "record_malfunction"
    """*Disservizio*: its interval and what proves it."""
    DECIDE_MALFUNCTION = "decide_malfunction"
    RECORD_DRAW = "record_draw"
    """*Sorteggio pubblico* among those who count as arrived together."""
    FREEZE_SET = "freeze_set"
    """Somebody in time was handed over late: the set to be ranked is another."""
    RANK_CALL = "rank_call"
    """*Approvazione della graduatoria*: the closed set is ranked and funded."""
    FUND_CALL = "fund_call"
    """*Scorrimento*: money set free goes down the ranking."""
    CONCLUDE_CALL = "conclude_call"
    ANNUL_CALL = "annul_call"
    EXPORT_REGISTER = "export_register"
    """*Estrazione del registro*: an auditor takes a copy away."""
    ERASE_PERSONAL_DATA = "erase_personal_data"
    """*Cancellazione dei dati personali*: they have been kept for long enough."""
    UPDATE_LIST = "update_list"
    """*Approvazione e aggiornamento dell'elenco*: a new version of the list."""


class ListChange(StrEnum):
    """What a version of an approved list does with one of its members."""

    ADDED = "added"
    """*Inserito*."""
    CHANGED = "changed"
    """*Aggiornato*: others stand behind it than before."""
    REMOVED = "removed"
    """*Cancellato*."""


class SuspensionCause(StrEnum):
    """Why a counter is suspended (*motivo della sospensione*)."""

    EXHAUSTION = "exhaustion"
    """*Esaurimento delle risorse*."""
    MALFUNCTION = "malfunction"
    """*Disservizio* of the platform."""
    ACT = "act"
    """An act says so, for a reason of its own."""


class MalfunctionDecision(StrEnum):
    """What was decided on a malfunction (*disservizio*)."""

    NO_EFFECT = "no_effect"
    EXTENSION = "extension"
    """*Proroga*: the window is extended by an act of its own."""
    ANNULMENT = "annulment"


class OrderPolicy(StrEnum):
    """Who counts as arrived before whom (*criterio di ordinamento*)."""

    EXACT_INSTANT = "exact_instant"
    """The instant of receipt; the protocol number breaks a tie."""
    SAME_DAY_MERIT = "same_day_merit"
    """Those of one civil day arrived together: merit decides among them."""
    SAME_WEEK_DRAW = "same_week_draw"
    """Those of one week arrived together: a public draw decides among them."""
    RANKING = "ranking"
    """Nobody arrived before anybody: an act puts them in order (*graduatoria*)."""


class WaitingPhase(StrEnum):
    """When those without money wait (*lista d'attesa*)."""

    BEFORE_REVIEW = "before_review"
    """Nothing beyond the money is examined: filing gives no title to it."""
    AFTER_REVIEW = "after_review"
    """All are examined; those without money wait for it afterwards."""


class Counting(StrEnum):
    """In what a term is counted."""

    DAYS = "days"
    MONTHS = "months"


class SourceStatus(StrEnum):
    """Whether a parameter was read in a document or chosen to make one run."""

    FOUND = "found"
    ASSUMED = "assumed"


class ReceiptClock(StrEnum):
    """Whose clock gives the instant of receipt."""

    PORTAL = "portal"
    """The instant stated by the portal on which the call wants the filing."""
    REGISTER = "register"
    """The instant at which the protocol register takes the application."""


class ShortMoneyPolicy(StrEnum):
    """What happens to the first application that the money does not cover."""

    WAITING_LIST = "waiting_list"
    """It waits, and everybody after it."""
    PARTIAL = "partial"
    """It takes what is left, if its applicant has agreed to less; else it waits."""
    STOP = "stop"
    """The counter is suspended: it is refused, and everybody after it."""


class TieRule(StrEnum):
    """What decides between equal scores (*criterio di preferenza*).

    Beside these a criterion of merit does, written `criterion:CODE`.
    """

    LOWER_REQUEST = "lower_request"
    HIGHER_REQUEST = "higher_request"
    EARLIER_ARRIVAL = "earlier_arrival"
    DRAW = "draw"
    """*Sorteggio*: the SHA-256 of a seed drawn in public and the protocol number."""


class Leftover(StrEnum):
    """What happens where what is left is less than a project needs (*residuo*)."""

    OFFER = "offer"
    """The next in order is offered it all the same."""
    SKIP = "skip"
    """The next is passed over, for whoever it is enough for."""
    HOLD = "hold"
    """It is kept for the next until there is more."""

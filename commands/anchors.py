"""How is the register sealed, and how do the anchors stand?"""

from itertools import chain, islice
from typing import Any

import click
import orjson

from commands.entry import at_desk, warn_of_clock
from commands.lazy import json_option, note_done
from commands.moments import read_day
from commands.output import Table, civil, emit, instant, print_pairs, print_wrapped
from commands.plain import say
from workflow.anchors.gaps import Span
from workflow.anchors.manifests import Signed
from workflow.desk import Desk
from workflow.errors import SportelloError
from workflow.register import shown
from workflow.services import anchoring, signing, stamping
from workflow.services.anchor_checks import Anchored
from workflow.services.stamping import Stamped

_MOST_DAYS = 1_000
"""Days without an anchor that are listed one by one: a forged date makes millions."""


def _spans(
    context: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> tuple[Span, ...]:
    """Read days of Rome, each alone or as the first and the last of several."""
    found = []
    for text in given:
        first, dots, last = text.partition("..")
        ends = (
            read_day(context, option, one) for one in (first, last if dots else first)
        )
        span = Span(*(day for day in ends if day is not None))
        if span.last < span.first:
            raise click.BadParameter(f"`{text}` ends before it begins")
        found.append(span)
    return tuple(found)


@click.command("anchor")
@click.option(
    "--new-key",
    is_flag=True,
    help="Change the key: the one so far endorses it in this anchor.",
)
@click.option(
    "--lost",
    is_flag=True,
    help="With --new-key: the key so far is gone and endorses nothing.",
)
@click.option(
    "--missed",
    callback=_spans,
    multiple=True,
    metavar="DAY[..DAY]",
    help="Say of a day without an anchor, or of all from one day to another, in this "
    "one, why: repeat it for more.",
)
@click.option(
    "--because",
    metavar="TEXT",
    help="With --missed and with --new-key: why, without names.",
)
@json_option
@at_desk
def anchor_command(
    desk: Desk,
    *,
    new_key: bool,
    lost: bool,
    missed: tuple[Span, ...],
    because: str | None,
) -> None:
    """Seal the register now: say where every chain stands (ancora).

    The anchor names the count and the last hash of every call and the anchor
    before it, and is signed with the key that `sportello init` made. It is kept in
    the database and, the same, in a file outside of it: SPORTELLO_ANCHORS, or
    anchors.jsonl in the home. The scheduler has one made every day by itself. If
    SPORTELLO_TSA_URL names an authority it is asked for a time stamp (RFC 3161).

    A day that went without an anchor is a fault of `log verify` until a manager or
    an administrator says why; from then on it is told as explained. They are also
    who may change the key; the anchor says who did, and why.

    \b
    Example:
        sportello log anchor
    """
    if lost and not new_key:
        raise click.UsageError("--lost goes with --new-key")
    if missed and new_key:
        raise click.UsageError("--missed and --new-key are said in two anchors")
    if bool(missed or new_key) != (because is not None):
        raise click.UsageError("--because goes with --missed or with --new-key")
    warn_of_clock(desk)
    if missed:
        made = anchoring.explain(desk, missed, because=because or "")
    elif new_key:
        made = anchoring.rotate(desk, because=because or "", lost=lost)
    else:
        made = anchoring.seal(desk)
    note_done(f"anchor {made.number}")
    stamped = _stamped(desk)
    file = str(signing.places(desk).lines)
    manifest = orjson.loads(made.body)

    def tell() -> None:
        table = Table(("call", "entries>", "head"))
        for one in manifest["calls"]:
            table.add(one["call"], one["entries"], one["head"])
        table.print()
        print_pairs(
            (
                ("anchor", f"{made.number} of {civil(made.at)}"),
                ("hash", made.hash),
                ("key", made.key),
                ("file", file),
                ("stamped", stamped and civil(stamped.at)),
            )
        )

    emit(
        {
            **_as_json(made, manifest),
            "file": file,
            "stamped_at": instant(stamped.at) if stamped else None,
        },
        tell,
    )


def _stamped(desk: Desk) -> Stamped | None:
    """Have the anchor stamped; without a stamp it is an anchor all the same."""
    try:
        return stamping.stamp(desk)
    except SportelloError as error:
        say(f"Warning: no time stamp yet: {error.message}", err=True)
        return None


def verified_anchors(anchored: Anchored) -> dict[str, Any]:
    """Return how the anchors stand as scripts read it."""
    last = anchored.last
    stamped = anchored.stamped
    days = chain.from_iterable(span.days() for span in anchored.gaps)
    return {
        "count": anchored.count,
        "last": {"number": last.number, "at": last.at} if last else None,
        "ok": anchored.ok,
        "faults": [
            {"number": fault.number, "fault": fault.fault} for fault in anchored.faults
        ],
        "gaps": [day.isoformat() for day in islice(days, _MOST_DAYS)],
        "gap_spans": [
            {"from": span.first.isoformat(), "to": span.last.isoformat()}
            for span in anchored.gaps
        ],
        "stamps": anchored.stamps,
        "stamped_at": instant(stamped[-1].at) if stamped else None,
        "stamped": [{"number": one.number, "at": instant(one.at)} for one in stamped],
        "explained": [
            {
                "day": one.day.isoformat(),
                "because": one.because,
                "by": one.by,
                "login": anchored.logins.get(one.by),
                "at": one.at,
                "anchor": one.anchor,
            }
            for one in anchored.explained
        ],
        "file": anchored.file,
        "keys": [{"key": key, "since": number} for key, number in anchored.keys],
        "own": anchored.own,
    }


_REHEARSAL = "elsewhere than in a rehearsal that is a fault"


def tell_of_anchors(anchored: Anchored) -> None:
    """Tell people how the anchors stand."""
    standing = "ok" if anchored.ok else f"{len(anchored.faults)} FAULT(S)"
    last = anchored.last
    told = f"{anchored.count}, the last of {last.at}" if last else "none yet"
    say(f"anchors: {told}: {standing}")
    for key, number in dict.fromkeys((*anchored.keys[:1], *anchored.keys[-1:])):
        say(f"  key {shown(key)} since anchor {number}")
    if anchored.own is not None:
        say(f"  {anchored.own} of your own anchors agree")
    if anchored.stamped:
        one = anchored.stamped[-1]
        told = f"the last of anchor {one.number} at {civil(one.at)}"
        say(f"  {anchored.stamps} time stamp(s), {told}")
    if anchored.ok and anchored.unsealed_since:
        since = civil(anchored.unsealed_since)
        say(f"Note: nothing was sealed since {since}; {_REHEARSAL}", err=True)
    for day in anchored.explained:
        who = anchored.logins.get(day.by, day.by)
        told = f"explained by {who} at {civil(day.at)} in anchor {day.anchor}"
        print_wrapped(f"  no anchor for {day.day}, ", f"{told}: {day.because}")
    for fault in anchored.faults:
        where = f"anchor {fault.number}" if fault.number else "anchors"
        print_wrapped(f"  {where}: ", fault.fault)


def _as_json(made: Signed, manifest: dict[str, Any]) -> dict[str, Any]:
    return {
        **manifest,
        "hash": made.hash,
        "signature": made.signature,
        "endorsement": made.endorsement,
    }

"""How is a table of moves drawn for people?"""

from collections.abc import Iterator

from models.vocabulary import FINAL_STATES, ApplicationState
from workflow.machine import Move, Table


def mermaid(table: Table) -> str:
    """Draw the states and the moves between them as a Mermaid diagram.

    Moves that leave the state where it is are steps beside it: they stand in
    the list, not in the drawing.
    """
    lines = ["stateDiagram-v2", f"    [*] --> {ApplicationState.DRAFT}"]
    lines += [
        f"    {source} --> {target}: {event}"
        for source, target, event in _arrows(table)
    ]
    drawn = {target for _, target, _ in _arrows(table)}
    lines += [f"    {state} --> [*]" for state in sorted(FINAL_STATES & drawn)]
    return "\n".join(lines)


def listing(table: Table) -> str:
    """List every move of a table, in Markdown."""
    rows = [
        "| event | from | to | role | needs | letters | basis |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    rows += [_row(move) for move in table.moves]
    return "\n".join(rows)


def page(table: Table) -> str:
    """Write the page of the documentation about a family of procedures."""
    return (
        f"# The moves of `{table.family}`\n\n"
        "Generated from the table of moves; `make docs` writes it again.\n\n"
        f"```mermaid\n{mermaid(table)}\n```\n\n{listing(table)}\n"
    )


def _arrows(table: Table) -> Iterator[tuple[str, str, str]]:
    for move in table.moves:
        for source in move.sources:
            if move.target is not None and move.target != source:
                yield source.value, move.target.value, move.event.value


def _row(move: Move) -> str:
    needs = [f"--{name.replace('_', '-')}" for name in move.inputs.model_fields]
    needs += ["--act"] if move.act else []
    needs += ["--reason"] if move.reason else []
    role = " or ".join((move.role, *move.also, *(["a worker"] * move.automatic)))
    return (
        f"| `{move.event}`: {move.help} "
        f"| {', '.join(source.value for source in move.sources)} "
        f"| {move.target.value if move.target else 'the same'} "
        f"| {role} "
        f"| {' '.join(needs) or '-'} "
        f"| {', '.join(letter.value for letter in move.letters) or '-'} "
        f"| {move.basis} |"
    )

"""Do the migrations make what the tables say, and is another form refused?"""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Column, Engine, Index, MetaData, Text, inspect, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import SQLModel

from models.schema import HEAD, alembic_configuration, upgrade
from models.session import open_engine
from models.tables import APPEND_ONLY
from tests.builders import Office
from tests.contents import dump, rows
from workflow.errors import UnavailableError
from workflow.services import installation


def check(engine: Engine) -> None:
    """Run `alembic check`, which fails if a migration is missing."""
    with engine.connect().execution_options(writes=True) as connection:
        command.check(_configured(connection))


def _configured(connection: object) -> Config:
    configuration = alembic_configuration()
    configuration.attributes["connection"] = connection
    return configuration


def execute(engine: Engine, sql: str, **values: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(sql), values)


@pytest.fixture
def engine(work: Office) -> Engine:
    return work.desk.engine


def test_the_migrations_make_what_the_tables_say(kept: Engine):
    check(kept)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("ALTER TABLE calls ADD COLUMN colour TEXT", id="a column more"),
        pytest.param("ALTER TABLE applications DROP COLUMN score", id="a column less"),
        pytest.param("DROP INDEX uq_applications_active", id="an index less"),
        pytest.param("CREATE TABLE extra (id INTEGER)", id="a table more"),
        pytest.param("CREATE INDEX extra ON calls (version)", id="an index more"),
    ],
)
def test_the_check_bites_when_the_database_differs(kept: Engine, change: str):
    with kept.connect().execution_options(writes=True) as connection:
        connection.execute(text(change))  # undone when it closes

        with pytest.raises(CommandError, match="New upgrade operations detected"):
            command.check(_configured(connection))


def test_the_check_bites_when_an_instant_becomes_another_type(kept: Engine):
    if kept.dialect.name == "sqlite":
        pytest.skip("SQLite cannot change the type of a column")
    with kept.connect() as connection:
        connection.execute(text("ALTER TABLE calls ALTER last_instant TYPE varchar"))

        with pytest.raises(CommandError, match="New upgrade operations detected"):
            command.check(_configured(connection))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t["calls"].append_column(Column("colour", Text)), "add_column"),
        (lambda t: Index("ix_acts_number", t["acts"].c.number), "add_index"),
    ],
    ids=["a column", "an index"],
)
def test_a_change_of_the_tables_asks_for_a_migration(kept: Engine, change, said):
    changed = MetaData()
    for table in SQLModel.metadata.sorted_tables:
        table.to_metadata(changed)
    with kept.connect() as connection:
        found = MigrationContext.configure(connection)

        nothing = compare_metadata(found, SQLModel.metadata)
        change(changed.tables)
        something = compare_metadata(found, changed)

    assert nothing == []
    assert [difference[0] for difference in something] == [said]


def test_the_form_that_the_program_needs_is_the_last_one_of_the_migrations():
    scripts = ScriptDirectory.from_config(alembic_configuration())

    assert scripts.get_heads() == [HEAD]


def test_upgrading_twice_changes_nothing(database_url: str):
    engine = open_engine(database_url)
    upgrade(engine)
    once = dump(engine)

    upgrade(engine)

    assert dump(engine) == once
    assert rows(engine, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    check(engine)
    engine.dispose()


def test_upgrading_a_database_at_work_touches_no_file(work: Office):
    work.file()
    before = dump(work.desk.engine)

    made = installation.initialise(work.desk.engine, work.clock, rehearsal=True)

    assert not made.created
    assert made.revision == HEAD
    assert dump(work.desk.engine) == before


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
def test_after_the_upgrade_the_register_is_append_only(
    kept: Engine, table: str, change: str
):
    before = dump(kept)
    key = {"anchors": "number", "office_entries": "seq"}.get(table, "call_id")

    with pytest.raises(DatabaseError, match=f"{table} is append-only"):
        execute(kept, change.format(table, key))

    assert dump(kept) == before


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_the_register_cannot_be_replaced_or_emptied_either(kept: Engine, table: str):
    before = dump(kept)
    change = {
        "sqlite": f"REPLACE INTO {table} SELECT * FROM {table} LIMIT 1",  # noqa: S608 - a name of ours
        "postgresql": f"TRUNCATE {table} CASCADE",
    }[kept.dialect.name]

    with pytest.raises(DatabaseError, match=f"{table} is append-only"):
        execute(kept, change)

    assert dump(kept) == before


def test_the_names_of_what_is_append_only_are_the_same_in_tables_and_migrations():
    scripts = ScriptDirectory.from_config(alembic_configuration())
    kept = [
        name
        for script in reversed(list(scripts.walk_revisions()))
        for name in getattr(script.module, "APPEND_ONLY", ())
    ]

    assert tuple(kept) == APPEND_ONLY


def test_a_downgrade_is_refused_and_loses_nothing(work: Office):
    work.file()
    before = dump(work.desk.engine)

    with (
        pytest.raises(RuntimeError, match="restore a backup"),
        work.desk.engine.begin() as connection,
    ):
        command.downgrade(_configured(connection), "base")

    assert dump(work.desk.engine) == before
    assert work.verified()


def test_no_form_is_taken_back():
    scripts = ScriptDirectory.from_config(alembic_configuration())

    for script in scripts.walk_revisions():
        with pytest.raises(RuntimeError, match="restore a backup"):
            script.module.downgrade()


# A database in another form


def refusal(engine: Engine) -> str:
    with pytest.raises(UnavailableError) as error:
        installation.check_form(engine)
    return error.value.code


def test_the_present_form_is_accepted(kept: Engine):
    installation.check_form(kept)


def test_an_empty_database_is_not_initialised(database_url: str):
    engine = open_engine(database_url)

    code = refusal(engine)

    assert code == "database.not_initialised"
    engine.dispose()


def test_looking_at_a_missing_file_does_not_make_it(tmp_path: Path):
    file = tmp_path / "none.db"

    code = refusal(open_engine(f"sqlite:///{file}"))

    assert code == "database.not_initialised"
    assert not file.exists()


def test_a_database_whose_form_was_never_written_is_of_an_unknown_form(engine: Engine):
    execute(engine, "DELETE FROM alembic_version")

    assert refusal(engine) == "database.unknown_form"


@pytest.mark.parametrize(
    ("form", "code"), [("0000", "database.unknown_form"), ("9999", "database.newer")]
)
def test_another_form_is_refused_with_the_way_out(engine: Engine, form: str, code: str):
    execute(engine, "UPDATE alembic_version SET version_num = :form", form=form)

    assert refusal(engine) == code


def test_a_newer_database_is_not_initialised_again(work: Office):
    execute(work.desk.engine, "UPDATE alembic_version SET version_num = '9999'")
    before = dump(work.desk.engine)

    with pytest.raises(UnavailableError) as error:
        installation.initialise(work.desk.engine, work.clock)

    assert error.value.code == "database.newer"
    assert dump(work.desk.engine) == before


def test_a_failed_upgrade_leaves_the_database_as_it_was(database_url: str):
    engine = open_engine(database_url)
    execute(engine, "CREATE TABLE terms (id INTEGER)")  # in the way of the last table

    with pytest.raises(DatabaseError):
        upgrade(engine)

    assert inspect(engine).get_table_names() == ["terms"]
    engine.dispose()

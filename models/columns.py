"""How are instants, words and amounts stored, the same on both databases?"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, Dialect, Enum, TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An instant as whole UTC microseconds since 1970.

    Integers sort and compare the same on both databases and keep every
    microsecond; text loses at a clock change, `timestamptz` differs by driver.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> int | None:
        """Store an aware instant; a naive one is a bug and raises."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"an instant without its offset cannot be stored: {value}"
            raise ValueError(message)
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(
        self, value: int | None, dialect: Dialect
    ) -> datetime | None:
        """Give the instant back, aware and in UTC."""
        del dialect
        return None if value is None else _EPOCH + value * _MICROSECOND


def word(enum: type[StrEnum], name: str, length: int = 40) -> Enum:
    """Store a word by its value, checked by the database, without a native enum.

    A native PostgreSQL enum would be stored by member name and could not lose
    a word without rebuilding the type.
    """
    return Enum(
        enum,
        native_enum=False,
        values_callable=lambda members: [member.value for member in members],
        create_constraint=True,
        validate_strings=True,
        length=length,
        name=name,
    )

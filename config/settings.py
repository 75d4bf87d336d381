"""Where is everything, and who says so?"""

import os
import re
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    ValidationError,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from models import addresses

PREFIX = "SPORTELLO_"

_RULES = {
    "database_url": "write sqlite:////folder/file.db or postgresql://host/database",
    "broker_url": "write memory:// or redis://user:password@host:6379, and nothing "
    "after a question mark but what concerns TLS (ssl_ca_certs=...)",
    "smtp_url": "write smtp://host:25 or smtps://user:password@host:465, or "
    "smtp+plain://host:25 in a net that is to be trusted",
    "sender": "write an address, such as bandi@pec.example.it, or a name and the "
    "address in angle brackets",
    "mail_rate": "write how many letters a minute may go to one domain, from 0 (any "
    "number) to 100000",
    "identity": "write declared, os or database",
    "clock": "write an instant with its offset from 2000 to 2199, such as "
    "2026-01-20T10:00:00+01:00",
    "lock_wait": "write a whole number of seconds, from 0 to 3600",
    "log_level": "write debug, info, warning or error",
    "home": "write the path of a folder",
    "anchors": "write the path of a file",
    "tsa_url": "write http://host/path or https://user:password@host/path",
    "tsa_roots": "write the path of a file of certificates (PEM)",
    "receipts": "write the path of a maildir, or of a folder of mails",
    "officer": "write a login of at most 64 characters, without spaces",
}


_YEARS = range(2000, 2200)
"""Beyond the ends of the calendar an instant has no civil time in Rome."""


class SettingsError(ValueError):
    """A setting is wrong; the message names the variable and how to write it."""


def _schemes(*allowed: str) -> AfterValidator:
    def check(address: str) -> str:
        if address.partition(":")[0] not in allowed or "://" not in address:
            raise ValueError
        return address

    return AfterValidator(check)


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _utc(instant: datetime) -> datetime:
    if instant.year not in _YEARS:
        raise ValueError
    return instant.astimezone(UTC)


def _absolute(path: Path) -> Path:
    """Return a path that means the same to a worker started elsewhere."""
    return path.expanduser().absolute()


def _broker(address: str) -> str:
    """Refuse what no broker could be built from."""
    parts = urlsplit(address)
    if parts.scheme == "memory":
        is_good = address == "memory://"
    else:
        # Reading a port that is out of range raises.
        named = parts.hostname and parts.port != 0
        is_plain = {name for name, _ in parse_qsl(parts.query)} <= _OF_TLS
        is_good = bool(named and is_plain and _DATABASE.fullmatch(parts.path))
    if not is_good:
        raise ValueError
    return address


def _mail_server(address: str) -> str:
    """Refuse what names no mail server."""
    parts = urlsplit(address)
    # Reading a port that is out of range raises.
    is_good = parts.hostname and parts.port != 0 and parts.path in {"", "/"}
    if not is_good or parts.query or parts.fragment:
        raise ValueError
    return address


def _sender(written: str) -> str:
    """Refuse what no letter could come from; every server takes ASCII."""
    name, bracket, address = written.rpartition("<")
    is_closed = written.endswith(">") == bool(bracket)
    if not (is_closed and name.isprintable() and address.isascii()):
        raise ValueError
    if any(sign in name for sign in '<>@"\\'):
        raise ValueError
    addresses.read(address.removesuffix(">"))
    return written


def _web_server(address: str) -> str:
    """Refuse what names no server; reading a port that is out of range raises."""
    parts = urlsplit(address)
    if not parts.hostname or parts.port == 0 or parts.fragment:
        raise ValueError
    return address


_DATABASE = re.compile(r"/?|/[0-9]{1,4}")
_OF_TLS = {
    *("ssl_cert_reqs", "ssl_ca_certs", "ssl_ca_path", "ssl_check_hostname"),
    *("ssl_certfile", "ssl_keyfile"),
}
_SECRET = re.compile(
    r"((?:pass|pwd|key|secret|token|sig|auth)[^=&?]*=)[^&]*", re.IGNORECASE
)
"""A part of a query that had better not be shown, by its name."""

_PASSWORD = re.compile(r"(://[^:/?#@]*:).*@", re.DOTALL)
"""Up to the last @: who does not write `/`, `?` or `#` as %2F is shown none of it."""

_FILE = ".env"
Lower = BeforeValidator(_lower)


class Settings(BaseSettings):
    """Everything that is decided outside of the program (*impostazioni*)."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    home: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default=Path("~/.local/share/sportello"), validate_default=True
    )
    anchors: Annotated[Path, AfterValidator(Path.expanduser)] | None = None
    database_url: (
        Annotated[
            str,
            _schemes(
                "sqlite",
                "sqlite+pysqlite",
                "postgres",
                "postgresql",
                "postgresql+psycopg",
            ),
        ]
        | None
    ) = Field(default=None, repr=False)
    broker_url: Annotated[
        str, _schemes("memory", "redis", "rediss"), AfterValidator(_broker)
    ] = Field(default="memory://", repr=False)
    smtp_url: (
        Annotated[
            str, _schemes("smtp", "smtps", "smtp+plain"), AfterValidator(_mail_server)
        ]
        | None
    ) = Field(default=None, repr=False)
    sender: Annotated[str, Field(max_length=200), AfterValidator(_sender)] | None = None
    mail_rate: Annotated[int, Field(ge=0, le=100_000)] = 60
    receipts: Annotated[Path, AfterValidator(_absolute)] | None = None
    tsa_url: (
        Annotated[str, _schemes("http", "https"), AfterValidator(_web_server)] | None
    ) = Field(default=None, repr=False)
    tsa_roots: Annotated[Path, AfterValidator(_absolute)] | None = None
    identity: Annotated[Literal["declared", "os", "database"], Lower] = "declared"
    officer: Annotated[str, Field(pattern=r"^\S{1,64}$")] | None = None
    clock: Annotated[AwareDatetime, AfterValidator(_utc)] | None = None
    lock_wait: Annotated[int, Field(ge=0, le=3600)] = 30
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Lower] = (
        "warning"
    )

    @property
    def database(self) -> str:
        """The address of the database: a file in the home, if nothing is said."""
        return self.database_url or f"sqlite:///{self.home / 'sportello.db'}"

    @property
    def anchors_file(self) -> Path:
        """The file of the anchors: in the home, if nothing is said."""
        return self.anchors or self.home / "anchors.jsonl"

    @property
    def key_file(self) -> Path:
        """The private key with which anchors are signed."""
        return self.home / "keys" / "register.pem"


def read_settings() -> Settings:
    """Read the settings from the environment, then from `.env` in this folder.

    Raises:
        SettingsError: a value is wrong, or `.env` cannot be read, or believed.
    """
    _refuse_foreign(Path(_FILE))
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(_sentence(fault) for fault in error.errors())  # type: ignore[arg-type]
        raise SettingsError(faults) from None  # the cause repeats the value
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f".env in this folder cannot be read ({error}); correct or remove it"
        ) from error


def _refuse_foreign(file: Path) -> None:
    """Refuse settings that somebody else has left, or may have changed, in a folder.

    They say which database is worked on, and through which server letters leave.
    """
    try:
        found = file.stat(), file.lstat()
    except OSError:
        return  # it is not there, or whoever reads it says what is wrong
    is_ours = all(one.st_uid in {os.geteuid(), 0} for one in found)
    if not is_ours or found[0].st_mode & stat.S_IWOTH:
        raise SettingsError(
            f"{_FILE} in this folder belongs to somebody else, or everybody may write "
            "to it: it could lead to another database; work in another folder, or "
            f"look what it says, then `chmod o-w {_FILE}` and make it your own"
        )


def masked(address: str) -> str:
    """Return an address that may be shown: without its password, wherever it is."""
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1***@", address))


def _sentence(fault: dict[str, Any]) -> str:
    name = str(fault["loc"][0])
    # An address may hold a password: it is never repeated.
    value = "" if name.endswith("_url") else f"`{fault['input']}` "
    return f"{PREFIX}{name.upper()} {value}is not right: {_RULES[name]}, or unset it"

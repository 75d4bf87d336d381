"""How do letters leave here?"""

from email.headerregistry import Address

from config.settings import Settings, SettingsError
from workers.transports.files import Files
from workflow.services.postings import Transport


def build(settings: Settings) -> Transport:
    """Build the transport that the settings choose; nothing is sent yet.

    Raises:
        SettingsError: there is a mail server, and nobody to write from.
    """
    sender = settings.sender
    if settings.smtp_url is None:
        return Files(settings.home, _address(sender) if sender else None)
    if sender is None:
        raise SettingsError(
            "SPORTELLO_SENDER is missing: the mail server has to be told who writes; "
            'set it to an address, such as "Ufficio bandi <bandi@pec.example.it>", or '
            "unset SPORTELLO_SMTP_URL"
        )
    # What talks to a server takes a while to load.
    from workers.transports.pace import Pace  # noqa: PLC0415 - see above
    from workers.transports.servers import Server  # noqa: PLC0415 - see above
    from workers.transports.smtp import Smtp  # noqa: PLC0415 - see above

    return Smtp(
        Server.at(settings.smtp_url),
        sender=_address(sender),
        home=settings.home,
        pace=Pace(settings.broker_url, a_minute=settings.mail_rate),
    )


def _address(sender: str) -> Address:
    name, _, spec = sender.rpartition("<")
    return Address(name.strip().strip('"'), addr_spec=spec.removesuffix(">"))

"""The ways in which letters leave: as files, or by a mail server."""

"""The error that a user can correct; a command shows it as one line, without a traceback."""


class LookerError(Exception):
    """A missing file, table or name; the message names it and how to correct it."""

"""What a person can put right: shown as one line, without a traceback."""


class LookerError(Exception):
    """A missing file, table or name; the message names it and the remedy."""

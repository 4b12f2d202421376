"""Errors that a user can act on: each message names the thing and the remedy, never a secret."""


class SimplyLoadError(Exception):
    """A failure with a remedy: the command line prints its message without a traceback."""

    exit_code = 1
    part = "other"  # what is at fault, as a metric says it


class ConfigurationError(SimplyLoadError):
    """A setting is missing or wrong; nothing was read or written."""

    exit_code = 2
    part = "configuration"


class SourceError(SimplyLoadError):
    """The source refuses or cannot be reached; the next run resumes from what is committed."""

    part = "source"


class LimitError(SourceError):
    """The share of the source's own limit is used up for some hours: try again later."""

    exit_code = 69  # EX_UNAVAILABLE of sysexits.h


class DestinationError(SimplyLoadError):
    """The destination refuses or cannot be reached; nothing of the load is visible."""

    part = "destination"


class LogError(SimplyLoadError):
    """The change log cannot be written; nothing of the load is visible."""

    part = "log"


class DamagedError(SimplyLoadError):
    """A file of the change log or of a lake does not hold what SimplyLoad wrote."""

    def __init__(self, name: object) -> None:
        super().__init__(
            f"{name} is damaged: it does not hold what SimplyLoad wrote. Restore it from a version"
            " or a copy; without one begin again in another place, by `log` or `destination.path`"
        )


class TableStoppedError(SimplyLoadError):
    """One table cannot go on (a column narrowed, a key lost); the others are loaded.

    `remedy` is what helps in the destination, if that does.
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(f"{reason}: {remedy}." if remedy else reason)
        self.reason = reason


class GivenUpError(SimplyLoadError):
    """A second signal ended a load: it is rolled back, and the next run reads it again."""

    exit_code = 0


class AlreadyRunningError(SimplyLoadError):
    """Another run of this pipeline is active: an orchestrator must not take this for fresh data."""

    exit_code = 75
    part = "another_run"


class FencedError(SimplyLoadError):
    """A newer run took the lease; this one commits nothing more."""

    exit_code = 75
    part = "another_run"

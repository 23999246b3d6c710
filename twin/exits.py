"""How the command line ends: exit codes, and what it says of an error."""

from __future__ import annotations

import os
import sys

OK, _RESERVED, INTERRUPTED, INTERNAL, USAGE, NOTHING = range(6)


def say(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(text + "\n")


def exit_code(error: BaseException) -> int:
    """Exit code of an error of the product's own tree."""
    from twin.base import errors

    if isinstance(error, errors.MissingResultError):
        return NOTHING
    if isinstance(error, errors.ConservationError | errors.ReplicationError):
        return INTERNAL
    return USAGE


def interrupted() -> int:
    """Say how to go on after Ctrl-C."""
    say("interrupted; what is finished is stored, the same command goes on from there")
    return INTERRUPTED


def silence_stdout() -> None:
    """Drop what stdout does not take, so that the interpreter does not try again at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # no real file behind it
        return


def complain(error: Exception) -> int:
    """Say what went wrong; the traceback only for what nobody foresaw."""
    if hasattr(error, "format_message") and hasattr(error, "show"):  # a usage error of the parser
        error.show()
        return USAGE
    from twin.base.errors import TwinError

    if isinstance(error, TwinError):
        say(f"error: {error}")
        return exit_code(error)
    if isinstance(error, FileNotFoundError | PermissionError | NotADirectoryError | IsADirectoryError):
        say(f"error: {error.filename}: {error.strerror}")
        return USAGE
    if isinstance(error, OSError):  # a full disk, a limit on file sizes, a device that takes no more
        silence_stdout()
        say(f"error: {error.filename or 'cannot write'}: {error.strerror or error}; what is finished is stored")
        return INTERNAL
    import traceback

    traceback.print_exception(error)
    say("internal error; please report it with the lines above")
    return INTERNAL

"""The console script: from arguments to an exit code, and from errors to messages. Light until a command runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from reconciler import __version__

TYPE_CHECKING = False  # as the type checker knows it, without loading `typing` to say so

if TYPE_CHECKING:
    import argparse
    from typing import NoReturn

    from reconciler.cli.parser import WrongUsage
    from reconciler.console import Console
    from reconciler.core.errors import ReconcilerError

_ASK_FOR_VERSION = (["--version"], ["-V"], ["version"])
_INTERRUPTED = 130  # ExitCode.INTERRUPTED, which lives in a module that would be loaded for nothing
_INTERRUPTED_TEXT = "error: interrupted\n"


def entry_point() -> None:
    """Run the console script and leave with its exit code."""
    if sys.argv[1:] not in _ASK_FOR_VERSION:  # which is told before anybody could interrupt
        _stop_at_once_when_interrupted()
    kept: list[object] = []
    try:
        code = main(sys.argv[1:], kept)
    except KeyboardInterrupt:
        sys.stderr.write(_INTERRUPTED_TEXT)
        code = _INTERRUPTED
    except OSError as error:  # of the help, say, which is printed before there is a console
        code = _unwritten(error)
    arrived, code = _flush(code)
    if kept or code == _INTERRUPTED or not arrived:
        # The interpreter would wait for requests in flight, which a person who interrupts does not want, and take the
        # millions of objects of a large plan apart one by one. It would also try again to write what cannot be written.
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> NoReturn:
    """End the process without waiting for threads, once what libraries registered for the exit has run."""
    import atexit
    import os

    atexit._run_exitfuncs()
    os._exit(code)


def _stop_at_once_when_interrupted() -> None:
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where the caller lets it be ignored
        signal.signal(signal.SIGINT, _stop_at_once)


def _stop_at_once(*_: object) -> None:
    """Leave while the program is still being loaded: nothing has begun yet.

    An exception would not do: raised in the midst of an import it may be swallowed or become another one.
    """
    import os

    os.write(2, _INTERRUPTED_TEXT.encode())
    _leave(_INTERRUPTED)


def _flush(code: int) -> tuple[bool, int]:
    """Send on what is still to be said. Return whether it arrived, and the exit code that this makes of `code`."""
    arrived = True
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            arrived = False
            code = code or (_unwritten(error) if stream is sys.stdout else 1)
    return arrived, code


def _unwritten(error: OSError) -> int:
    """Say that nobody takes the output, unless a reader has just gone away. Return ExitCode.FAILED."""
    if not isinstance(error, BrokenPipeError):
        sys.stderr.write(f"error: the output cannot be written: {error.strerror}\n")
    return 1


def main(arguments: Sequence[str], kept: list[object] | None = None) -> int:
    """Run one command and return its exit code. What it worked with is kept alive in `kept`."""
    if list(arguments) in _ASK_FOR_VERSION:
        # Answered before anything is imported: five times faster than going through argparse and metadata.
        sys.stdout.write(f"reconciler {__version__}\n")
        return 0
    from reconciler.cli.arguments import build_parser
    from reconciler.cli.parser import WrongUsage

    parser = build_parser()
    try:
        options = parser.parse_args(arguments)
    except WrongUsage as wrong:
        return _report_usage(arguments, wrong)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 3
    if options.version or options.command == "version":
        sys.stdout.write(f"reconciler {__version__}\n")
        return 0
    if options.command is None:
        parser.print_help()
        return 3
    if options.command == "completion":
        from reconciler.cli.completion import completion_script

        sys.stdout.write(completion_script(parser, options.shell))
        return 0
    if kept is not None:
        kept.append(options)
    return _run(options)


def _report_usage(arguments: Sequence[str], wrong: WrongUsage) -> int:
    """Say what is wrong as JSON too where that was asked for: nothing is parsed yet, so the words are looked at."""
    from reconciler.core.errors import UsageError

    error = UsageError(wrong.message, hint=wrong.hint)
    asked = " ".join(arguments)
    if "--format json" in asked or "--format=json" in asked:
        import json

        from reconciler.render.machine import error_document

        sys.stdout.write(json.dumps(error_document(error), indent=2) + "\n")
    return int(error.exit_code)


def _run(options: argparse.Namespace) -> int:
    import os

    from reconciler.shell.stopwatch import Stopwatch

    options.stopwatch = Stopwatch()  # first, so that what is loaded next counts as well
    _collect_seldom()
    # No plugin of pydantic's has a say here, and to look for some takes a tenth of the start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from reconciler.cli.commands import run_command
    from reconciler.console import configure_logging, open_console, silence_stdout
    from reconciler.core.errors import ExitCode, ReconcilerError

    console = open_console(
        quiet=options.quiet, verbosity=options.verbose, no_color=options.no_color, environ=os.environ
    )
    configure_logging(console)
    _heed_signals()
    try:
        return int(run_command(options, console, os.environ))
    except ReconcilerError as error:
        return _report_error(options, console, error)
    except KeyboardInterrupt:
        console.error("interrupted")
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        silence_stdout()
        return int(ExitCode.FAILED)
    except Exception:  # noqa: BLE001  the one place where a bug becomes an exit code
        import traceback

        console.complain(traceback.format_exc())
        console.error("this is a bug in reconciler", "please report it with the lines above; no secret is in them")
        return int(ExitCode.BUG)
    finally:
        if options.timings:
            from reconciler.render.timings import render_timings

            console.complain(render_timings(options.stopwatch.timings(), console.err_style))


def _collect_seldom() -> None:
    """Look for cycles of dead objects less often than the default, which costs a quarter of a large plan's time.

    Ten thousand manifests are half a million of such objects, nearly all of which live to the end. With a hundred
    thousand, a second would go for looking through them ten times, for nothing.
    """
    import gc

    gc.set_threshold(10_000_000, 20, 50)


def _heed_signals() -> None:
    """Let Ctrl-C raise from here on, and a request to end, as a cancelled pipeline sends it, mean the same.

    What is in flight is finished and reported.
    """
    import signal
    import threading

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        if signal.getsignal(signal.SIGINT) is _stop_at_once:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _report_error(options: argparse.Namespace, console: Console, error: ReconcilerError) -> int:
    """Say what went wrong to people, and in the outputs that were asked for. Return the exit code."""
    from reconciler.cli.outputs import Result, deliver, error_text, target_of
    from reconciler.core.errors import InvalidInput, ReconcilerError

    formatted = getattr(options, "format", "text")
    if formatted != "json" or not isinstance(error, InvalidInput):
        console.complain(error_text(error, console.err_style))
    if formatted != "text" or getattr(options, "outputs", None):
        try:
            deliver(Result(target=target_of(options), error=error), options, console)
        except ReconcilerError as trouble:
            if trouble.message != error.message:  # else the output itself is what went wrong, as told already
                console.error(trouble.message, trouble.hint)
    return int(error.exit_code)

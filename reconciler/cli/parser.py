"""How arguments are read: argparse with advice for misspelt words, and what options share. Imports nothing heavy."""

from __future__ import annotations

import argparse
import re
import sys

TYPE_CHECKING = False  # as the type checker knows it, without loading `typing`, a third of the time that help takes

if TYPE_CHECKING:
    from typing import Any, NoReturn


_OF_OTHER_TOOLS = {"--auto-approve": "--yes", "--detailed-exitcode": "--exit-code", "--json": "--format"}
"""Options that other tools call otherwise."""


class WrongUsage(SystemExit):
    """The command line cannot be understood; people have been told already."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(3)
        self.message = message
        self.hint = hint


class Parser(argparse.ArgumentParser):
    """argparse with the exit code that invalid usage has here, and with advice for misspelt words."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse what is left over here, where the options of this command are known, and not in the outer command."""
        known, rest = super().parse_known_args(args, namespace)
        if rest:
            self._refuse_rest(rest)
        return known, rest

    def _refuse_rest(self, rest: list[str]) -> NoReturn:
        from reconciler.core.suggest import did_you_mean

        options = [name for name in self._option_string_actions if name.startswith("--")]
        wrong = [text.partition("=")[0] for text in rest if text.startswith("--")]
        advice = ""
        if wrong:
            meant = _OF_OTHER_TOOLS.get(wrong[0])
            advice = f"did you mean {meant!r}?" if meant in options else did_you_mean(wrong[0], options)
        self._refuse(f"unrecognized arguments: {' '.join(rest)}", advice)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            from reconciler.core.suggest import did_you_mean

            known = [str(one) for one in action.choices]
            advice = did_you_mean(str(value), known) or f"choose from {', '.join(known)}"
            raise argparse.ArgumentError(action, f"invalid choice: {value!r} ({advice})")

    def error(self, message: str) -> NoReturn:
        self._refuse(message)

    def _refuse(self, message: str, advice: str = "") -> NoReturn:
        from reconciler.render.escapes import printable  # here: it knows HTML, which help does not need

        hint = f"{advice} see {self.prog} --help".strip()
        self.print_usage(sys.stderr)
        sys.stderr.write(f"{printable(f'{self.prog}: error: {message}')}\n    hint: {hint}\n")
        raise WrongUsage(message, hint)


GROUPS = (
    ("start", ("init", "inventory", "export")),
    ("every day", ("validate", "plan", "apply", "drift", "destroy")),
    ("look", ("snapshot", "ledger", "version", "completion")),
    ("pipeline", ("comment", "issue", "pull-request", "approved-run")),
    ("kinds", ("kinds",)),
    ("try", ("sandbox", "demo")),
)
"""The commands as help lists them, each in one group."""


class GroupedHelp(argparse.RawDescriptionHelpFormatter):
    """Help in which the commands are listed in groups."""

    def _format_action(self, action: argparse.Action) -> str:
        if not isinstance(action, argparse._SubParsersAction):
            return super()._format_action(action)
        by_name = {one.dest: one for one in action._choices_actions}
        lines = []
        for title, names in GROUPS:
            lines.append(f"  {title}:\n")
            self._indent()
            lines += [super(GroupedHelp, self)._format_action(by_name[name]) for name in names]
            self._dedent()
        return "".join(lines)


_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """Return the seconds of `90s`, `10m`, `24h` or `7d`; a plain number is seconds. The type of every DURATION."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError("a number with a unit: 90s, 10m, 24h or 7d")
    return float(match[1]) * _SECONDS[match[2]]

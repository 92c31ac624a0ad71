"""The commands about the ledger: what it holds, what was done, and how to correct it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from reconciler.console import Console
from reconciler.core.errors import ExitCode
from reconciler.core.model import JsonObject
from reconciler.render.ledger import history_document, ledger_document, render_history, render_ledger
from reconciler.render.text import plural, render_diagnostics
from reconciler.shell.memory import upkeep
from reconciler.shell.memory.ledger_text import KEY_NAME, OLD_KEY_NAME
from reconciler.shell.memory.memory import Memory
from reconciler.shell.options import Options

FORMAT = 1


def run_ledger(options: argparse.Namespace, console: Console, environ: Mapping[str, str]) -> ExitCode:
    """Run the command of `ledger` that was chosen and return its exit code. Raises ReconcilerError."""
    given = Options(
        config=Path(options.config),
        target=options.target,
        environ=environ,
        redactor=console.redactor,
        trust_secrets=getattr(options, "trust_secrets", False),
    )
    rekeys = options.ledger_command == "rekey"
    with upkeep.memory_of(given, _key_name(environ) if rekeys else KEY_NAME) as memory:
        match options.ledger_command:
            case "show":
                _show(memory, options, console)
            case "history":
                _history(memory, options, console)
            case "forget":
                memory.lock(options.lock_timeout, console.say)
                addresses = [str(address) for address in upkeep.forget(memory, options.addresses)]
                text = f"Forgotten: {', '.join(addresses)}. The live objects stay as they are."
                _done(options, console, text, {"forgotten": addresses})
            case "move":
                memory.lock(options.lock_timeout, console.say)
                old, new = upkeep.move(memory, options.old, options.new)
                _done(options, console, f"Moved: {old} is {new} from now on.", {"from": str(old), "to": str(new)})
            case "rekey":
                _rekey(memory, given, options, console)
            case _:
                holder = upkeep.unlock(memory, options.token, force=options.force)
                text = f"Unlocked: {holder} held it." if holder is not None else "Nobody holds the lock."
                _done(options, console, text, {"held": holder is not None})
    return ExitCode.DONE


def _key_name(environ: Mapping[str, str]) -> str:
    """Return in which variable the key stands that the ledger was written with; "" where it had none."""
    return OLD_KEY_NAME if environ.get(OLD_KEY_NAME) or not environ.get(KEY_NAME) else ""


def _rekey(memory: Memory, given: Options, options: argparse.Namespace, console: Console) -> None:
    from reconciler.workflow.loading import load
    from reconciler.workflow.rekeying import rekey

    loaded = load(given)
    memory.lock(options.lock_timeout, console.say)
    counted = rekey(memory, loaded, given)
    text = f"Rekeyed: {plural(counted.known, 'digest')} of secrets by the key that is set now."
    if counted.forgotten:
        text += f" Of {plural(counted.forgotten, 'other')} nothing tells any more which secret was applied."
    if counted.unsent:
        text += (
            f" {plural(counted.unsent, 'secret')} was never sent from here."
            if counted.unsent == 1
            else (f" {counted.unsent} secrets were never sent from here.")
        )
    facts: JsonObject = {"known": counted.known, "forgotten": counted.forgotten, "neverSent": counted.unsent}
    _done(options, console, text, facts)


def _done(options: argparse.Namespace, console: Console, text: str, facts: JsonObject) -> None:
    if options.format == "json":
        console.document({"format": FORMAT, "kind": f"ledger-{options.ledger_command}", **facts})
    else:
        console.result(text)


def _show(memory: Memory, options: argparse.Namespace, console: Console) -> None:
    remembered = memory.read()
    addresses = upkeep.chosen(remembered.folded, options.addresses)
    if options.format == "json":
        console.document(ledger_document(remembered.folded, addresses, remembered.holder, memory.place))
        return
    notes = [note for note in remembered.notes if note.code != "apply-in-progress"]
    if notes:
        console.complain(render_diagnostics(notes, console.err_style))
    full = bool(options.addresses) or console.verbosity > 0
    console.result(render_ledger(remembered.folded, addresses, remembered.holder, console.style, full=full))
    console.say(f"{plural(len(remembered.folded.ledger.records), 'record')} at {memory.place}")


def _history(memory: Memory, options: argparse.Namespace, console: Console) -> None:
    events = memory.history(options.limit)
    if options.format == "json":
        console.document(history_document(events, memory.read().folded.ledger.target))
    else:
        console.result(render_history(events, console.style, outcomes=console.verbosity > 0))

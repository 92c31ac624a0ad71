"""Completion scripts for shells, made from the parser by shtab. Pure."""

from __future__ import annotations

import argparse


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the script that completes the commands and options of `parser` in `shell`."""
    import shtab

    script: str = shtab.complete(parser, shell)
    return script if script.endswith("\n") else script + "\n"

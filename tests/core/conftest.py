"""Laws are tried with the same cases on every run, however slow the machine is, and leave no folder behind."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("laws", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("laws")

"""The one door to Git: no other module starts it. Pure.

`command` runs it, in the repository that `place` finds; `revision` and `remote` ask it single questions.
"""

"""What a target remembers between runs: ledger, lock and journal, in a file or in a Git ref. Pure.

`memory` is what the workflow speaks to; `store` is what a place must offer; `file_store` and `git_store` are places.
"""

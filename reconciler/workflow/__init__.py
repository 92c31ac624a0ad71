"""The commands as functions: the only place where core and doors are wired together."""

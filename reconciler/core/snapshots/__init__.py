"""The live state as a file without secrets, and plans that do without what it leaves out. Pure."""

"""Systems and kinds: the grammar of definitions, what is known about fields, and the checks of both. Pure."""

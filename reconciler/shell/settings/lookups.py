"""Where the `${…}` of manifests get their values from: the allowed environment, variables, files beside the manifests.

Reads: files below the first manifest folder, and the environment as the settings hold it.
"""

from __future__ import annotations

from reconciler.core.manifests.expressions import ExpressionError, Lookups
from reconciler.core.redaction import Redactor
from reconciler.core.withheld import Withheld
from reconciler.shell.files.disk import TextFileError, read_text_inside
from reconciler.shell.settings.loading import Settings, environment_value


def lookups_of(settings: Settings, redactor: Redactor) -> Lookups:
    """Return the functions that give values to manifests. What comes from a file is redacted from then on."""
    root = settings.manifest_paths[0] if settings.manifest_paths else settings.root

    def read_file(name: str) -> str | Withheld:
        try:
            text = read_text_inside(root, name)
        except TextFileError as error:
            if settings.without_secrets and error.missing:
                return Withheld(f"file:{name}")
            raise ExpressionError(str(error), error.hint) from None
        redactor.add([text, text.strip()])
        return text

    return Lookups(
        environment=lambda name: environment_value(settings, name),
        file=read_file,
        variables=settings.variables,
        holds_secret=redactor.holds_secret,
        secret_in_name=redactor.secret_in_name,
        open_environment=settings.open_environment,
    )

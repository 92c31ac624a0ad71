"""Emulations of real APIs, quirks included, for tests, demos and trying out manifests.

Written from the vendors' documented behaviour and independently of the kind definitions, so that the two can
be wrong only separately. Nothing here imports the rest of the package.
"""

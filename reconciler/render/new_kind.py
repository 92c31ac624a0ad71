"""A definition to start from: commented, complete, and right as it stands. Pure."""

from __future__ import annotations

import re

_SYSTEM = """\
# {file}: what all calls of the API have in common. One such document for each system.
system: {system}
title: {title}
description: >-
  What the API is for, and what its url is: paths below are relative to it.
documentation:
  - "https://api.example.com/docs: the pages that this rests on"
credentials: >-
  Where to get them, and which rights they need. Give them as `auth: {{bearer: "${{env:API_TOKEN}}"}}`.

# What a target states about the system, as {{system.workspace}} in calls. Values may also depend on a parameter:
#   path: {{$by: edition, old: /v1/things, new: /v2/things}}
# parameters:
#   type: object
#   additionalProperties: false
#   required: [workspace]
#   properties:
#     workspace: {{type: string, description: Id of the workspace.}}
#     edition: {{enum: [old, new], default: new, description: Which edition the server is.}}

# How to read answers where statuses alone do not tell; the first rule that fits decides.
# answers:
#   - {{status: 400, at: /error, matches: already exists, class: conflict, message: /error}}
---
"""

_KIND = """\
# {file}: one resource type. Check it with `reconciler kinds check`, look at it with `reconciler kinds show`.
apiVersion: {system}/v1
kind: {kind}
description: >-
  What one {words} is, in a sentence or two.
documentation:
  - GET /{path}
  - POST /{path}
  - "PATCH /{path}/{{id}}"
  - "DELETE /{path}/{{id}}"
# What this rests on, by how sure it is: stated (the API says so outright), documented (elsewhere in its pages),
# inferred (from examples or behaviour), unknown (nobody says).
evidence:
  unknown:
    - Everything, until somebody has read the API's pages or tried it.

# A JSON Schema 2020-12 of spec, in the API's own names. What the API calls otherwise: x-name.
schema:
  type: object
  additionalProperties: false
  # What every manifest states. What only a create needs goes under write.create.required.
  required: [name]
  properties:
    name:
      type: string
      minLength: 1
      description: Name of the {words}; it finds the live object.
    timeout:
      # null: the API can clear it. `default` never fills anything in; it tells people what the API does.
      type: [integer, "null"]
      minimum: 1
      default: 30
      x-unit: s
      description: How long a call may take.
    tags:
      type: array
      # Without it, the order of a list counts. Items that have an identity of their own: x-key: [name].
      x-list: set
      items: {{type: string}}
      description: Tags; their order means nothing.
    token:
      type: string
      # Never shown anywhere. Where the API never answers it either: writeOnly.
      writeOnly: true
      x-sensitive: true
      description: Token that calls are made with.
    region:
      type: string
      # A change would be another object: it is refused.
      x-immutable: true
      description: Where it lives; it cannot change.
    # More that can be said of a field: x-request, x-response (other names on the wire), x-form (timestamp, duration,
    # int64, base64 …), x-map, x-mask, x-present, x-absent, x-createOnly, x-updateOnly, x-ref (the kind whose id it
    # is), x-message (what a person is told when it is wrong), x-evidence.
    id:
      type: string
      # Computed by the server: no manifest states it, others can refer to it.
      readOnly: true
      description: Id that the server gave.

identity:
  id: /id # where a live object holds its id; or a template such as "{{spec.region}}/{{spec.name}}"
  key: [name] # the fields that find the live object
  name: name # the field that metadata.name fills when it is left out

read:
  list:
    method: GET
    path: /{path}
    # Parameters of pages stand where the API wants them. Other styles: page, cursor, link, url.
    query: {{limit: "{{page.size}}", offset: "{{page.offset}}"}}
    paging: {{style: offset, size: 100}}
    # items: /data # where the answer holds the list
  get:
    method: GET
    path: "/{path}/{{id}}"
  # absent: zero # what a field means that an answer leaves out: unset, zero or default
  # settleSeconds: 5 # until reads agree with writes

write:
  create:
    method: POST
    path: /{path}
    # required: [region] # fields that a create needs beyond those that every manifest states
    # fieldsAt: /{member} # where in the body the fields go
    # returns: nothing # the answer's body cannot be trusted: read again
  # PATCH carries what changed. PUT carries the object as it was read with our fields laid over it. Other ways:
  # send: changed, full, mergePatch (RFC 7396), jsonPatch (RFC 6902).
  update:
    method: PATCH
    path: "/{path}/{{id}}"
  delete:
    call: {{method: DELETE, path: "/{path}/{{id}}"}}
    # disable: {{enabled: false}} # instead of a call: fields to set
    # forget: true # instead of a call: the API cannot delete

# Beside reading and comparing right before each write:
# guard: {{ifMatch: true}}

# Fields that must travel in one request as soon as one of them changes:
# together:
#   - {{fields: [token, region], reason: the API checks them against each other}}

examples:
  - name: first
    timeout: 10
    tags: [a, b]
    token: fake-token-not-real
    region: eu
"""


def new_definition(system: str, kind: str, *, with_system: bool) -> str:
    """Return the text of a definition of `kind`, and of `system` before it where nobody has defined that yet."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", kind).lower()
    kebab = words.replace(" ", "-")
    names = {
        "system": system,
        "title": system.capitalize(),
        "kind": kind,
        "words": words,
        "path": re.sub("(?<=[^aeiou])y$", "ie", kebab).rstrip("s") + "s",
        "member": kind[0].lower() + kind[1:],
    }
    text = _SYSTEM.format(file=f"schemas/{system}/system.yaml", **names) if with_system else ""
    return text + _KIND.format(file=f"schemas/{system}/{kebab}.yaml", **names)

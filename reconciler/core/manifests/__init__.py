"""From documents to resources: schemas, expressions, references, selections, and every mistake in them. Pure."""

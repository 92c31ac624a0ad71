"""What JSON Schema says of a document: which values it refuses, and in which words. Pure."""

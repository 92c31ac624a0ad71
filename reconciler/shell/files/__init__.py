"""Files that people write: found, read with positions, written atomically."""

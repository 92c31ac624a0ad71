"""What `kinds check` finds in definitions beyond what loading them refuses: contradictions, and keys without effect."""

"""From desired state, live state and memory to a plan: decide, order, limit, preview. Pure."""

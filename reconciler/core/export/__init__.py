"""What is live, as manifests would declare it: where to look, what to state, what to leave out and why. Pure."""

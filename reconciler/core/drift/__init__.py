"""What moved live, and what manifests would have to say to agree with it. Pure."""

"""The live state: lists and objects read, matched with resources, and followed up."""

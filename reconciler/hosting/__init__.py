"""Hosting APIs: comments, issues and requests to merge, found again by a hidden mark."""

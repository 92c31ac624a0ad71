"""Requests on the wire: clients, credentials, pace and retries."""

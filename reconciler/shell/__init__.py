"""The doors to the outside: files, network, environment, ledger. The core never imports from here."""

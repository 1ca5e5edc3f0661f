"""What to build and what to feed it, read from sources; nothing is run here."""

"""The rules, one a file named after it, and what all of them are made of. Data and plain code: no tree walking."""

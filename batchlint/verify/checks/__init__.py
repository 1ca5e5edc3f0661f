"""The questions that the verifier asks of code that runs, one file each, named as rules name them in ``proved_by``."""

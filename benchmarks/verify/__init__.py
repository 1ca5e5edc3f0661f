"""How much real code the verifier runs, what it says of findings, and what it costs."""

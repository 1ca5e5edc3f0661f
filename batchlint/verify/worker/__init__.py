"""The process that runs the user's code; the only place, with ``checks/``, that imports a framework."""

"""What proves findings: runs the flagged code, and only that, in a sandboxed worker at varied batch sizes.

``plan/`` says what to build and feed, from the source alone. ``worker/`` is the process that runs the user's code, and
``sandbox/`` what holds it. ``checks/`` are the questions asked of code that runs, one file each. ``verdicts`` makes of
their answers *confirmed*, *refuted* or *inconclusive*. Nothing here imports a framework when it is imported.
"""

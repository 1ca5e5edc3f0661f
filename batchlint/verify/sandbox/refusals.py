"""Which exceptions of the user's code are the sandbox's doing, and what lets the code do what it wants."""

from __future__ import annotations

from batchlint.verify.outcomes import Failure

_NETWORK = (
    "network is unreachable", "temporary failure in name resolution", "name or service not known", "urlopen error",
    "maxretryerror", "offline mode is enabled", "localentrynotfound", "couldn't connect to", "socket.",
)  # fmt: skip
_NETWORK_KINDS = frozenset(
    ("gaierror", "URLError", "ConnectionError", "LocalEntryNotFoundError", "OfflineModeIsEnabled")
)
_REFUSED = ("[errno 1]", "[errno 13]", "not allowed in batchlint's sandbox")


def refusal(failure: Failure) -> str:
    """What the user can do when it is the sandbox that made code fail with *failure*; empty when it is not.

    >>> refusal(Failure("OSError", "[Errno 101] Network is unreachable"))
    '--allow-network, if the code may download what it needs'
    >>> refusal(Failure("RuntimeError", "shape '[4, 10]' is invalid for input of size 30"))
    ''
    """
    message = failure.message.lower()
    if failure.kind in _NETWORK_KINDS or any(sign in message for sign in _NETWORK):
        return "--allow-network, if the code may download what it needs"
    if failure.kind == "PermissionError" and any(sign in message for sign in _REFUSED):
        return "code that starts programs, or writes outside its temporary folder, cannot be run"
    return ""

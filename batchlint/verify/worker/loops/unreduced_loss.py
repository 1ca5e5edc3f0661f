"""Whether a loss compares predictions and targets of one shape: ``(B, 1)`` against ``(B,)`` becomes ``(B, B)``."""

from __future__ import annotations

from collections.abc import Sequence

from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.worker.loops.crashing import samples_of
from batchlint.verify.worker.loops.driving import Program
from batchlint.verify.worker.loops.rewriting import Site
from batchlint.verify.worker.loops.variants import candidates
from batchlint.verify.worker.loops.world import Compared, Tensors

CHECK = "shape of the unreduced loss"
ROWS = 6
MAXIMUM_TRIALS = 12


def compare_shapes(program: Program, site: Site) -> CheckOutcome:
    """Run the loop on real tensors and compare the shapes of both operands of the loss on the flagged line.

    Failed where they broadcast to more than either of them, so that rows are compared with other rows; passed where
    they are the same. Predictions of a model that is not in the file decide nothing.
    """
    reason = "the flagged loss was not reached"
    trials = 0
    for sample, whole, _ in samples_of(program):
        for floats in (True, False):
            trials += 1
            if trials > MAXIMUM_TRIALS:
                return _outcome(site, Status.UNDECIDED, reason)
            tensors = Tensors(sample, 1, whole, floats)
            for variant in (each for each in candidates(program, site, (), True) if each.loads_batches):
                run = variant.run(variant.batch_size + ROWS, tensors=tensors)
                found = [each for each in run.world.compared if _on_line(site, each)]
                if found:
                    return _judge(site, found)
                if run.error is not None:
                    reason = f"it raises {type(run.error).__name__}: {run.error}"[:200]
                break
    return _outcome(site, Status.UNDECIDED, reason)


def _on_line(site: Site, compared: Compared) -> bool:
    return site.flagged.line <= compared.place.line <= site.flagged.end_line


def _judge(site: Site, found: Sequence[Compared]) -> CheckOutcome:
    runs = [
        BatchOutcome(
            each.left[0] if each.left else 1,
            Status.PASSED if each.left == each.right else Status.FAILED,
            f"{each.name} of {list(each.left)} and {list(each.right)}",
        )
        for each in found[:4]
    ]
    if not all(each.known for each in found):
        return _outcome(site, Status.UNDECIDED, "the shape of the model's output is a guess", runs)
    crossed = next((each for each in found if _crosses(each)), None)
    if crossed is not None:
        what = (
            f"`{crossed.name}` compares {list(crossed.left)} with {list(crossed.right)}: each row with every other, "
            f"{broadcast(crossed.left, crossed.right)} in all"
        )
        return _outcome(site, Status.FAILED, what, runs)
    if all(each.left == each.right for each in found):
        return _outcome(site, Status.PASSED, f"both operands are {list(found[0].left)}", runs)
    return _outcome(site, Status.UNDECIDED, "the operands differ, but rows meet their own", runs)


def broadcast(left: Sequence[int], right: Sequence[int]) -> list[int]:
    """The shape that both become together."""
    length = max(len(left), len(right))
    padded = [[1] * (length - len(each)) + list(each) for each in (left, right)]
    return [max(a, b) for a, b in zip(*padded)]


def _crosses(compared: Compared) -> bool:
    """Whether both operands have to grow."""
    together = broadcast(compared.left, compared.right)
    return together != list(compared.left) and together != list(compared.right)


def _outcome(site: Site, status: Status, detail: str, runs: Sequence[BatchOutcome] = ()) -> CheckOutcome:
    return CheckOutcome(CHECK, status, detail, tuple(runs), findings=(site.flagged.number,))

"""The checks of models, on small models with one hazard each and on clean ones."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from batchlint.verify.checks.registry import CHECKS  # noqa: E402
from batchlint.verify.outcomes import CheckOutcome, Status  # noqa: E402
from batchlint.verify.recipe_text import parse_input  # noqa: E402
from batchlint.verify.recipes import Inputs  # noqa: E402
from batchlint.verify.settings import Settings  # noqa: E402
from batchlint.verify.worker.checking import run_checks, usual_checks  # noqa: E402
from batchlint.verify.worker.subject import Subject  # noqa: E402
from benchmarks.verify.small_models import CLEAN, HAZARDS, Case  # noqa: E402
from benchmarks.verify.which_check import subject_of  # noqa: E402

TRAIN = "train mode at batch size 1"


def asked(subject: Subject, *names: str, settings: Settings | None = None) -> dict[str, CheckOutcome]:
    return {each.check: each for each in run_checks(subject, names or usual_checks(), settings or Settings())}


def subject(model: nn.Module, *inputs: str, control: int = 4) -> Subject:
    recipes = tuple(parse_input(each)[1] for each in inputs or ("x: float32[B, 16]",))
    return Subject(model, Inputs(recipes), control)


@pytest.mark.parametrize("case", HAZARDS, ids=str)
def test_a_hazard_fails_the_checks_that_are_for_it(case: Case) -> None:
    found = asked(subject_of(case), *case.caught_by)
    for name in case.caught_by:
        assert found[name].status is Status.FAILED, found[name]
        assert found[name].detail


@pytest.mark.parametrize("case", CLEAN, ids=str)
def test_a_clean_model_fails_none_that_is_asked_of_every_model(case: Case) -> None:
    failed = [each for each in asked(subject_of(case)).values() if each.status is Status.FAILED]
    assert failed == []


def test_every_check_catches_something() -> None:
    assert {name for case in HAZARDS for name in case.caught_by} == set(CHECKS) - {"export and run", "symbolic batch"}


def test_names_are_those_of_the_classes() -> None:
    for name in CHECKS:
        if name != "export and run":
            assert CHECKS[name].name == name
            assert CHECKS[name].__doc__


class Trained(nn.Module):
    """Has all that a run may leave behind."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm1d(16)
        self.drop = nn.Dropout(0.5).eval()
        self.score = nn.utils.parametrizations.spectral_norm(nn.Linear(16, 3))
        self.seen: list[int] = []
        self.hidden: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(len(x))
        self.hidden = x
        return self.score(self.drop(self.normalise(x)))


def test_the_model_is_left_as_it_was_found() -> None:
    model = Trained()
    model.score(torch.zeros(2, 16)).sum().backward()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    gradients = {name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None}
    modes = [each.training for each in model.modules()]
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    found = asked(subject(model), *usual_checks(), "duplicated batch", "further padding", "other spatial sizes")
    assert torch.equal(torch.rand(3), expected)
    assert len(found) == 9
    assert {name: bool(torch.equal(tensor, before[name])) for name, tensor in model.state_dict().items()} == (
        dict.fromkeys(before, True)
    )
    assert all(torch.equal(each.grad, gradients[name]) for name, each in model.named_parameters() if name in gradients)
    assert [each.training for each in model.modules()] == modes
    assert model.seen == []
    assert model.hidden is None


class Function(nn.Module):
    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> object:
        assert callable(self.function)
        return self.function(*inputs)


def test_where_the_control_fails_only_that_is_said() -> None:
    found = asked(subject(Function(lambda x: x @ x)))
    assert list(found) == ["crash at batch sizes"]
    assert found["crash at batch sizes"].status is Status.UNDECIDED
    assert "raises at every batch size" in found["crash at batch sizes"].detail


@pytest.mark.parametrize(
    "error", [SystemExit("bye"), RuntimeError("CUDA error: device-side assert"), MemoryError("9 GB")]
)
def test_what_ends_a_run_ends_no_check(error: BaseException) -> None:
    def forward(x: Tensor) -> Tensor:
        if len(x) == 2:
            raise error
        return x

    outcome = asked(subject(Function(forward)))["crash at batch sizes"]
    decided = isinstance(error, SystemExit)
    assert outcome.status is (Status.FAILED if decided else Status.UNDECIDED)
    assert type(error).__name__ in outcome.detail


def test_a_model_that_takes_too_long_is_undecided() -> None:
    def forward(x: Tensor) -> Tensor:
        while len(x) == 2:
            pass
        return x

    settings = Settings(seconds_per_check=0.3)
    outcome = asked(subject(Function(forward)), "leading dimension", settings=settings)["crash at batch sizes"]
    assert outcome.status is Status.UNDECIDED
    assert outcome.detail == "took longer than 0.3 s; not run at 2, 3, 5 and 7 rows"
    assert [run.batch_size for run in outcome.runs] == [4, 1]


def test_what_raised_before_the_time_was_up_still_counts() -> None:
    def forward(x: Tensor) -> Tensor:
        while len(x) == 2:
            pass
        return x.view(4, 16)

    outcome = asked(subject(Function(forward)), settings=Settings(seconds_per_check=0.3))["crash at batch sizes"]
    assert outcome.status is Status.FAILED


def test_noise_that_cannot_be_fixed_decides_nothing() -> None:
    state = {"calls": 0}

    def forward(x: Tensor) -> Tensor:
        state["calls"] += 1
        return x * state["calls"]

    found = asked(subject(Function(forward)), "per-sample consistency", "state between runs")
    assert {each.status for name, each in found.items() if name != "crash at batch sizes"} == {Status.UNDECIDED}


def test_half_precision_never_decides() -> None:
    def forward(x: Tensor) -> Tensor:
        assert x.dtype is torch.bfloat16, "so that no copy in double precision runs"
        return x + x.sum(0)

    model = subject(Function(forward), "x: bfloat16[B, 16]")
    for outcome in asked(model, "sample dependency", "per-sample consistency").values():
        if outcome.check != "crash at batch sizes":
            assert outcome.status is Status.UNDECIDED
            assert "half precision" in outcome.detail


def test_a_difference_far_below_single_precision_is_no_dependence() -> None:
    model = Function(lambda x: x + x.mean(0) * 1e-9)
    assert asked(subject(model), "sample dependency")["sample dependency"].status is Status.PASSED


def test_the_pair_of_samples_is_named() -> None:
    def forward(x: Tensor) -> Tensor:
        return torch.cat([x[:1] + x[-1:], x[1:]])

    outcome = asked(subject(Function(forward)), "sample dependency")["sample dependency"]
    assert outcome.status is Status.FAILED
    assert outcome.samples == (0, 3)


def test_inputs_that_do_not_follow_the_batch_size_vary_nothing() -> None:
    found = asked(subject(Function(lambda x: x), "x: float32[4, 16]"))
    assert found["crash at batch sizes"].status is Status.UNDECIDED
    assert "no input follows the batch size" in found["crash at batch sizes"].detail
    assert list(found) == ["crash at batch sizes"]


def test_what_runs_at_one_row_alone_may_be_fed_wrongly() -> None:
    outcome = asked(subject(Function(lambda x: x.view(1, 16)), control=1))["crash at batch sizes"]
    assert outcome.status is Status.UNDECIDED
    assert "runs at 1 row and at no other" in outcome.detail


def test_one_row_whatever_is_given_is_not_passed() -> None:
    outcome = asked(subject(Function(lambda x: x.view(1, -1)), control=1), "leading dimension")["leading dimension"]
    assert outcome.status is Status.UNDECIDED
    assert "one row whatever is given" in outcome.detail


def test_an_unequal_pair_of_inputs_is_taken_apart() -> None:
    model = Function(lambda x, table, count: (x[:, None] * table).sum((1, 2)) + count / count)
    inputs = ("x: float32[B, 16]", "table: float32[5, 16]", "count: = B")
    found = asked(subject(model, *inputs), "per-sample consistency", "sample dependency")
    assert {each.status for each in found.values()} == {Status.PASSED}


def test_a_fatal_error_ends_the_checks() -> None:
    def forward(x: Tensor) -> Tensor:
        if len(x) == 1:
            raise RuntimeError("CUDA error: device-side assert triggered")
        return x

    outcome = asked(subject(Function(forward)))["crash at batch sizes"]
    assert [run.batch_size for run in outcome.runs] == [4, 1]

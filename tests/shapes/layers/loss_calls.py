"""Losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from shapes.layers.calls import cases, flags, functions, given, layers, nearly, sizes, small
from shapes.layers.truth import Case, Tensor

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy


reductions = st.sampled_from(("none", "mean", "sum"))


def reduction(draw: DrawFn, name: str, legacy: bool = True) -> dict[str, Any]:
    optional: dict[str, SearchStrategy[Any]] = {"reduction": reductions}
    if legacy and draw(st.integers(0, 3)) == 0:
        optional |= {"size_average": flags | st.none(), "reduce": flags | st.none()}
    return given(draw, optional)


@cases(
    *layers("BCELoss", "BCEWithLogitsLoss", "L1Loss", "MSELoss", "SmoothL1Loss", "KLDivLoss", "HingeEmbeddingLoss"),
    *layers("SoftMarginLoss", "PoissonNLLLoss", "HuberLoss"),
    *functions("binary_cross_entropy", "binary_cross_entropy_with_logits", "l1_loss", "mse_loss", "smooth_l1_loss"),
    *functions("kl_div", "hinge_embedding_loss", "soft_margin_loss", "poisson_nll_loss", "huber_loss"),
)
def compared(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 0, 4)
    two = tuple(draw(st.sampled_from((size, size, size, 1))) for size in one)
    two = two if draw(st.integers(0, 4)) else two[draw(st.integers(0, len(two))) :]
    return Case((Tensor(one), Tensor(two)), reduction(draw, name, "uber" not in name))


@cases(*layers("GaussianNLLLoss"), *functions("gaussian_nll_loss"))
def gaussian(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 1, 3)
    var = draw(st.sampled_from((one, one[:-1], (*one[:-1], 1))))
    return Case((Tensor(one), Tensor(one), Tensor(var)), reduction(draw, name, False))


@cases(*layers("CrossEntropyLoss", "NLLLoss", "NLLLoss2d"), *functions("cross_entropy", "nll_loss"))
def classified(draw: DrawFn, name: str) -> Case:
    scores = sizes(draw, 1, 4)
    target = Tensor(tuple(nearly(draw, size) for size in (*scores[:1], *scores[2:])[: len(scores) - 1]), index=0)
    if "ross" in name and draw(st.integers(0, 3)) == 0:
        target = Tensor(scores)
    return Case((Tensor(scores), target), reduction(draw, name), len(scores) > 1)


@cases(*layers("MultiMarginLoss"), *functions("multi_margin_loss"))
def margin_of_classes(draw: DrawFn, name: str) -> Case:
    scores = sizes(draw, 0, 3)
    return Case((Tensor(scores), Tensor(scores[:-1], index=0)), reduction(draw, name), len(scores) > 1)


@cases(*layers("MultiLabelMarginLoss"), *functions("multilabel_margin_loss"))
def margin_of_labels(draw: DrawFn, name: str) -> Case:
    scores = sizes(draw, 0, 3)
    return Case((Tensor(scores), Tensor(scores, index=0)), reduction(draw, name), len(scores) > 1)


@cases(*layers("MultiLabelSoftMarginLoss"), *functions("multilabel_soft_margin_loss"))
def soft_margin_of_labels(draw: DrawFn, name: str) -> Case:
    scores = sizes(draw, 1, 3)
    return Case((Tensor(scores), Tensor(scores)), reduction(draw, name), len(scores) > 1)


@cases(*layers("MarginRankingLoss"), *functions("margin_ranking_loss"))
def ranked(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 0, 3)
    two = tuple(draw(st.sampled_from((size, size, 1))) for size in one)
    return Case((Tensor(one), Tensor(two), Tensor(one)), reduction(draw, name))


@cases(*layers("CosineEmbeddingLoss"), *functions("cosine_embedding_loss"))
def embedded_pairs(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 1, 2)
    two = tuple(draw(st.sampled_from((size, size, 1))) for size in one)
    return Case((Tensor(one), Tensor(two), Tensor(one[:-1])), reduction(draw, name), len(one) > 1)


@cases(*layers("TripletMarginLoss"), *functions("triplet_margin_loss"))
def triplet(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 1, 3)
    two = tuple(draw(st.sampled_from((size, size, 1))) for size in one)
    return Case((Tensor(one), Tensor(one), Tensor(two)), reduction(draw, name), len(one) > 1)


@cases(*layers("TripletMarginWithDistanceLoss"), *functions("triplet_margin_with_distance_loss"))
def triplet_by(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 1, 3)
    return Case((Tensor(one), Tensor(one), Tensor(one)), reduction(draw, name, False), len(one) > 1)


@cases(*layers("CTCLoss"), *functions("ctc_loss"))
def transcribed(draw: DrawFn, name: str) -> Case:
    time, classes, length = draw(st.integers(2, 4)), draw(st.integers(2, 3)), draw(st.integers(1, 2))
    batch = sizes(draw, 0, 1)
    targets = Tensor((*batch, length), index=1)
    lengths = Tensor(batch, index=time), Tensor(batch, index=length)
    return Case((Tensor((time, *batch, classes)), targets, *lengths), reduction(draw, name, False), bool(batch))


@cases(*layers("AdaptiveLogSoftmaxWithLoss"))
def adaptive_softmax(draw: DrawFn, name: str) -> Case:
    features, batch = draw(st.integers(4, 6)), sizes(draw, 0, 1)
    inputs = Tensor((*batch, nearly(draw, features))), Tensor(batch, index=0)
    return Case(inputs, {"in_features": features, "n_classes": 5, "cutoffs": (2,), "div_value": 1.0}, bool(batch))


@cases(*layers("LinearCrossEntropyLoss"))
def projected(draw: DrawFn, name: str) -> Case:
    features, batch, classes = draw(small), sizes(draw, 0, 1), draw(st.integers(2, 4))
    extra = sizes(draw, 0, 2) if batch else ()
    settings = {"in_features": features, "num_classes": classes, "out_features": extra}
    inputs = Tensor((*batch, nearly(draw, features))), Tensor((*batch, *extra), index=0)
    return Case(inputs, {**settings, **reduction(draw, name, False)}, bool(batch))


@cases(*functions("linear_cross_entropy"))
def projected_function(draw: DrawFn, name: str) -> Case:
    features, batch, classes = draw(small), sizes(draw, 0, 1), draw(st.integers(2, 4))
    extra = sizes(draw, 0, 2) if batch else ()
    inputs = Tensor((*batch, nearly(draw, features))), Tensor((classes, *extra, features))
    return Case((*inputs, Tensor((*batch, *extra), index=0)), reduction(draw, name, False), bool(batch))

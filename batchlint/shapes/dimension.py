"""Exact symbolic dimensions: integers, symbols, and their sums, products and floor divisions in one normal form.

A dimension is a plain ``int`` when it is known and an `Expression` (a polynomial with integer coefficients over atoms)
when it is not; Python's own operators combine the two. Equal normal forms are equal sizes for every value of the
symbols; different normal forms may still be equal for some values, see `certainly_differ`.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias, Union

__all__ = [
    "Dimension",
    "Expression",
    "FloorDivision",
    "Role",
    "Symbol",
    "certainly_differ",
    "evaluate",
    "floor_divide",
    "is_smaller_of",
    "least",
    "product",
    "render",
    "smaller",
    "substitute",
    "symbols_of",
    "unknown",
]

Dimension: TypeAlias = Union[int, "Expression"]


class Role(enum.Enum):
    """What a symbol stands for."""

    BATCH = "batch"
    """The number of samples that really are there; any number from 1 on."""
    FIXED_BATCH = "fixed batch"
    """A batch size that somebody wrote down: its number, where known, is the symbol's ``value``."""
    SIZE = "size"
    """Any other size, at least 1 unless the symbol says otherwise."""


class _Atom:
    """What an `Expression` multiplies: a `Symbol` or a `FloorDivision`."""

    __slots__ = ("key",)
    key: tuple[object, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Atom) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __lt__(self, other: _Atom) -> bool:
        return repr(self.key) < repr(other.key)


class Symbol(_Atom):
    """A named size.

    Args:
        name: what users read, e.g. ``B``, ``H`` or ``batch_size``.
        role: see `Role`.
        value: the number behind a fixed batch, where it is known.
        identity: keeps apart symbols of the same name (two loaders' ``B``).
        minimum: the least value the size can have (0 for data-dependent counts).
    """

    __slots__ = ("identity", "minimum", "name", "role", "value")

    def __init__(
        self,
        name: str,
        role: Role = Role.SIZE,
        value: int | None = None,
        identity: object = None,
        minimum: int = 1,
    ) -> None:
        self.name, self.role, self.value, self.identity, self.minimum = name, role, value, identity, minimum
        self.key = ("symbol", name, role.value, value, identity)

    def __repr__(self) -> str:
        return f"Symbol({self.name!r}, {self.role.value!r}, {self.value!r}, {self.identity!r})"

    def dimension(self) -> Expression:
        """The symbol as a dimension."""
        return Expression((((self,), 1),))


class FloorDivision(_Atom):
    """``numerator // denominator`` where it does not simplify."""

    __slots__ = ("denominator", "numerator")

    def __init__(self, numerator: Dimension, denominator: Dimension) -> None:
        self.numerator, self.denominator = numerator, denominator
        self.key = ("//", _key(numerator), _key(denominator))

    def __repr__(self) -> str:
        return f"FloorDivision({self.numerator!r}, {self.denominator!r})"


Monomial: TypeAlias = tuple[_Atom, ...]


class Expression:
    """A polynomial over atoms: a sorted tuple of (monomial, coefficient), never constant.

    Built by arithmetic and by `Symbol.dimension`; a result that is constant is an ``int`` instead.
    """

    __slots__ = ("_hash", "terms")
    terms: tuple[tuple[Monomial, int], ...]

    def __init__(self, terms: tuple[tuple[Monomial, int], ...]) -> None:
        self.terms = terms
        self._hash = hash(terms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self._hash == other._hash and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Expression({render(self)})"

    def __add__(self, other: Dimension) -> Dimension:
        terms = dict(self.terms)
        for monomial, coefficient in _terms(other):
            terms[monomial] = terms.get(monomial, 0) + coefficient
        return _normal(terms)

    __radd__ = __add__

    def __neg__(self) -> Dimension:
        return self * -1

    def __sub__(self, other: Dimension) -> Dimension:
        return self + (other * -1)

    def __rsub__(self, other: Dimension) -> Dimension:
        return self * -1 + other

    def __mul__(self, other: Dimension) -> Dimension:
        if isinstance(other, int):
            if other == 1:
                return self
            return _normal({monomial: coefficient * other for monomial, coefficient in self.terms})
        terms: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in other.terms:
                monomial = tuple(sorted(left + right)) if left and right else left or right
                terms[monomial] = terms.get(monomial, 0) + a * b
        return _normal(terms)

    __rmul__ = __mul__

    def __floordiv__(self, other: Dimension) -> Dimension:
        return floor_divide(self, other)

    def __rfloordiv__(self, other: Dimension) -> Dimension:
        return floor_divide(other, self)

    def __mod__(self, other: Dimension) -> Dimension:
        return self - floor_divide(self, other) * other

    def __rmod__(self, other: Dimension) -> Dimension:
        return other - floor_divide(other, self) * self


def _terms(dimension: Dimension) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(dimension, Expression):
        return dimension.terms
    return (((), int(dimension)),) if dimension else ()


def _key(dimension: Dimension) -> object:
    if isinstance(dimension, Expression):
        return tuple((tuple(atom.key for atom in monomial), c) for monomial, c in dimension.terms)
    return dimension


def _normal(terms: dict[Monomial, int]) -> Dimension:
    kept = [(monomial, c) for monomial, c in terms.items() if c]
    if not kept:
        return 0
    if len(kept) == 1:
        return Expression((kept[0],)) if kept[0][0] else kept[0][1]
    kept.sort(key=lambda term: (-len(term[0]), repr([atom.key for atom in term[0]])))
    return Expression(tuple(kept))


def _divide_monomial(monomial: Monomial, by: Monomial) -> Monomial | None:
    rest = list(monomial)
    for atom in by:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


def floor_divide(numerator: Dimension, denominator: Dimension) -> Dimension:
    """``numerator // denominator``, simplified where that is exact for every value of the symbols.

    Whole multiples are taken out: ``(2*H + 5) // 2`` is ``H + 2``, ``(B*400) // 400`` is ``B``. Sizes are taken to be
    at least their symbols' minimum.

    Raises:
        ZeroDivisionError: *denominator* is 0.
    """
    if isinstance(numerator, int) and isinstance(denominator, int):
        return numerator // denominator
    if denominator == 1:
        return numerator
    if numerator == denominator:
        return 1
    whole: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    if isinstance(denominator, int):
        if denominator == 0:
            raise ZeroDivisionError("floor division of a dimension by zero")
        for monomial, coefficient in _terms(numerator):
            quotient, remainder = divmod(coefficient, denominator)
            whole[monomial] = quotient
            if remainder:
                rest[monomial] = remainder
        if all(not monomial for monomial in rest):
            return _normal(whole)
    elif len(denominator.terms) == 1:
        by, divisor = denominator.terms[0]
        for monomial, coefficient in _terms(numerator):
            quotient_monomial = _divide_monomial(monomial, by)
            if quotient_monomial is None or coefficient % divisor:
                rest[monomial] = coefficient
            else:
                whole[quotient_monomial] = whole.get(quotient_monomial, 0) + coefficient // divisor
        if not rest:
            return _normal(whole)
    else:
        exact = _proportional(numerator, denominator)
        if exact is not None:
            return exact
        rest = dict(_terms(numerator))
    remainder_dimension = _normal(rest)
    if isinstance(denominator, int) and denominator > 0 and isinstance(remainder_dimension, Expression):
        # (a // b) // c is a // (b * c) for positive integers, so nested strides compare.
        monomial, coefficient = remainder_dimension.terms[0]
        if len(remainder_dimension.terms) == len(monomial) == coefficient == 1:
            inner = monomial[0]
            if isinstance(inner, FloorDivision) and isinstance(inner.denominator, int):
                return floor_divide(inner.numerator, inner.denominator * denominator) + _normal(whole)
    return _normal(whole) + Expression((((FloorDivision(remainder_dimension, denominator),), 1),))


def _proportional(numerator: Dimension, denominator: Expression) -> Dimension | None:
    """The exact quotient of two polynomials, where there is one."""
    quotient: Dimension = 0
    rest: Dimension = numerator
    by, divisor = denominator.terms[0]
    for _ in range(16):
        if rest == 0:
            return quotient
        for monomial, coefficient in _terms(rest):
            partial = _divide_monomial(monomial, by)
            if partial is not None and coefficient % divisor == 0:
                step = _normal({partial: coefficient // divisor})
                quotient = quotient + step
                rest = rest - step * denominator
                break
        else:
            return None
    return None


_fresh = itertools.count()


def unknown(name: str = "?", minimum: int = 1) -> Expression:
    """A size that nothing is known about, equal only to itself."""
    return Symbol(name, identity=next(_fresh), minimum=minimum).dimension()


_SMALLER = "smaller of"


def smaller(left: Dimension, right: Dimension) -> Expression:
    """The smaller one of two sizes of which neither is known to be: a symbol that is the same for the same two."""
    return Symbol("?", identity=(_SMALLER, left, right), minimum=0).dimension()


def is_smaller_of(dimension: Dimension, other: Dimension) -> bool:
    """Whether *dimension* is the `smaller` one of *other* and something else."""
    if not isinstance(dimension, Expression) or len(dimension.terms) != 1:
        return False
    monomial, coefficient = dimension.terms[0]
    if coefficient != 1 or len(monomial) != 1 or not isinstance(monomial[0], Symbol):
        return False
    identity = monomial[0].identity
    return isinstance(identity, tuple) and identity[0] == _SMALLER and other in identity[1:]


def product(dimensions: Iterable[Dimension]) -> Dimension:
    """The product of *dimensions*, 1 for none."""
    result: Dimension = 1
    for dimension in dimensions:
        result = result * dimension
    return result


def _atoms(dimension: Dimension) -> Iterator[_Atom]:
    if isinstance(dimension, Expression):
        for monomial, _ in dimension.terms:
            yield from monomial


def symbols_of(dimension: Dimension) -> frozenset[Symbol]:
    """Every symbol in *dimension*, also inside floor divisions."""
    found: set[Symbol] = set()
    pending = list(_atoms(dimension))
    while pending:
        atom = pending.pop()
        if isinstance(atom, Symbol):
            found.add(atom)
        elif isinstance(atom, FloorDivision):
            pending.extend(_atoms(atom.numerator))
            pending.extend(_atoms(atom.denominator))
    return frozenset(found)


def substitute(dimension: Dimension, values: Mapping[Symbol, Dimension]) -> Dimension:
    """*dimension* with each symbol of *values* replaced.

    Raises:
        ZeroDivisionError: a denominator becomes 0.
    """
    if not isinstance(dimension, Expression):
        return dimension
    total: Dimension = 0
    for monomial, coefficient in dimension.terms:
        term: Dimension = coefficient
        for atom in monomial:
            if isinstance(atom, Symbol):
                term = term * values.get(atom, Expression((((atom,), 1),)))
            elif isinstance(atom, FloorDivision):
                term = term * floor_divide(substitute(atom.numerator, values), substitute(atom.denominator, values))
        total = total + term
    return total


def evaluate(dimension: Dimension, values: Mapping[Symbol, int]) -> int | None:
    """The number that *dimension* is for *values*, ``None`` where a symbol has no value."""
    result = substitute(dimension, values)
    return result if isinstance(result, int) else None


def known_value(dimension: Dimension) -> int | None:
    """The number behind *dimension* when every symbol in it carries one (see `Symbol`'s ``value``)."""
    if not isinstance(dimension, Expression):
        return int(dimension)
    return evaluate(dimension, {s: s.value for s in symbols_of(dimension) if s.value is not None})


def has_role(dimension: Dimension, role: Role) -> bool:
    """Whether a symbol of *role* takes part in *dimension*."""
    return isinstance(dimension, Expression) and any(symbol.role is role for symbol in symbols_of(dimension))


def least(dimension: Dimension) -> int | None:
    """A number that *dimension* is never below, ``None`` where its terms do not tell."""
    if not isinstance(dimension, Expression):
        return dimension
    total = 0
    for monomial, coefficient in dimension.terms:
        if coefficient < 0 and monomial:
            return None
        term = coefficient
        for atom in monomial:
            if isinstance(atom, Symbol):
                term *= atom.minimum
            elif isinstance(atom, FloorDivision):
                lower = least(atom.numerator)
                if lower is None or lower < 0 or (least(atom.denominator) or 0) < 1:
                    return None
                term *= lower // atom.denominator if isinstance(atom.denominator, int) else 0
        total += term
    return total


def certainly_differ(left: Dimension, right: Dimension) -> bool:
    """Whether *left* and *right* are different sizes whatever the symbols are.

    ``False`` means *equal, or cannot tell*.
    """
    difference = left - right
    if isinstance(difference, int):
        return difference != 0
    return (least(difference) or 0) > 0 or (least(-difference) or 0) > 0


def render(dimension: Dimension) -> str:
    """*dimension* as users read it, and Python would: ``B``, ``2*B + 1``, ``(H - 4)//3``, ``B*(H//2)``."""
    if not isinstance(dimension, Expression):
        return str(dimension)
    parts: list[str] = []
    for monomial, coefficient in sorted(dimension.terms, key=_reading_order):
        sign = "-" if coefficient < 0 else "+"
        factors = [str(abs(coefficient))] if abs(coefficient) != 1 or not monomial else []
        alone = len(factors) + len(monomial) == 1 and (bool(parts) or sign == "+")
        factors += [_render_atom(atom, alone) for atom in sorted(monomial, key=_is_quotient)]
        text = "*".join(factors)
        parts.append(f" {sign} {text}" if parts else (f"-{text}" if sign == "-" else text))
    return "".join(parts)


def _is_quotient(atom: _Atom) -> bool:
    return isinstance(atom, FloorDivision)


def _reading_order(term: tuple[Monomial, int]) -> tuple[bool, bool]:
    """Names first, then quotients, the number last."""
    return not term[0], any(map(_is_quotient, term[0]))


def _render_atom(atom: _Atom, alone: bool) -> str:
    if isinstance(atom, Symbol):
        return atom.name
    assert isinstance(atom, FloorDivision)
    top, bottom = render(atom.numerator), render(atom.denominator)
    top = f"({top})" if " " in top or "*" in top else top
    bottom = f"({bottom})" if any(sign in bottom for sign in " */") else bottom
    return f"{top}//{bottom}" if alone else f"({top}//{bottom})"

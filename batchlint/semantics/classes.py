"""Classes of the file: their bases, methods and class attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from batchlint.semantics.names import MODULE_BASES
from batchlint.semantics.values import UNKNOWN, Class, External, Function, Value

if TYPE_CHECKING:
    import libcst as cst

    from batchlint.semantics.evaluator import Evaluator


def define_class(ev: Evaluator, node: cst.ClassDef) -> Class:
    """The class that a ``class`` statement makes; its body is evaluated for constants and methods."""
    import libcst as cst

    bases = tuple(ev.evaluate(base.value) for base in node.bases if not base.star)
    attributes: dict[str, Value] = {}
    fields: list[str] = []
    defines_forward = defines_call = False
    made = Class(node.name.value, node, bases, attributes, False, ev.frame, ())
    body = node.body.body if isinstance(node.body, cst.IndentedBlock) else ()
    outer = ev.frame
    names = dict(outer.names)
    for statement in body:
        if isinstance(statement, cst.FunctionDef):
            outer.names = names
            attributes[statement.name.value] = ev.define(statement, made)
            defines_forward = defines_forward or statement.name.value == "forward"
            defines_call = defines_call or statement.name.value == "call"
        elif isinstance(statement, cst.SimpleStatementLine):
            for part in statement.body:
                if isinstance(part, cst.AnnAssign) and isinstance(part.target, cst.Name):
                    fields.append(part.target.value)
                if isinstance(part, cst.Assign | cst.AnnAssign) and part.value is not None:
                    outer.names = {**names, **attributes}
                    value = ev.evaluate(part.value)
                    outer.names = names
                    targets = [t.target for t in part.targets] if isinstance(part, cst.Assign) else [part.target]
                    for target in targets:
                        if isinstance(target, cst.Name):
                            attributes[target.value] = ev.named(target.value, value, target)
    outer.names = names
    is_module = _is_module(bases, defines_forward, defines_call)
    decorated = {_last(d.decorator) for d in node.decorators}
    is_record = "dataclass" in decorated or any(
        isinstance(b, External) and b.name in ("typing.NamedTuple", "pydantic.BaseModel") for b in bases
    )
    result = Class(made.name, node, bases, attributes, is_module, ev.frame, tuple(fields) if is_record else ())
    for name, attribute in attributes.items():
        if isinstance(attribute, Function) and attribute.owner is made:
            attributes[name] = Function(
                attribute.name, attribute.node, attribute.frame, attribute.defaults, result, attribute.static,
                attribute.class_method, attribute.is_property, attribute.decorated,
            )  # fmt: skip
    ev.classes.append(result)
    return result


def _last(node: cst.BaseExpression) -> str:
    import libcst as cst

    if isinstance(node, cst.Call):
        node = node.func
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return node.value if isinstance(node, cst.Name) else ""


_LAYERS = ("torch.nn.", "lightning.", "keras.layers.")


def _is_module(bases: tuple[Value, ...], defines_forward: bool, defines_call: bool) -> bool:
    for base in bases:
        if isinstance(base, Class) and base.is_module:
            return True
        if isinstance(base, External):
            if base.name in MODULE_BASES or base.name.startswith(_LAYERS):
                return True
            if defines_call and base.name.startswith(("tensorflow", "keras", "tf_")):
                return True
            if defines_forward and not base.name.startswith(("torch.autograd", "builtins", "torch.Function")):
                return True
        if base is UNKNOWN and defines_forward:
            return True
    return False


def ancestors(of: Class, limit: int = 32) -> Iterator[Class]:
    """*of* and its bases in the file, nearest first, each once."""
    pending, found = [of], set()
    while pending and limit:
        current = pending.pop(0)
        if id(current.node) in found:
            continue
        found.add(id(current.node))
        limit -= 1
        yield current
        pending.extend(base for base in current.bases if isinstance(base, Class))


def class_attribute(of: Class, name: str) -> Value | None:
    """What *of* or a base of it in the file has under *name*, ``None`` if nothing."""
    for each in ancestors(of):
        value = each.attributes.get(name)
        if value is not None:
            return value
    return None


def external_base(of: Class) -> str | None:
    """The canonical name of the first base that is imported, if there is one."""
    for each in ancestors(of):
        for base in each.bases:
            if isinstance(base, External):
                return base.name
    return None

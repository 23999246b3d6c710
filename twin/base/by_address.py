"""Handing a named tuple of arrays to the parts of a kernel by its address.

Numba passes a tuple as all its scalars: nine for each table, and five hundred for the tables of a stage, copied anew at each
call that is not inlined. `by_address` lays the tuple down once, in the frame of the kernel, and what is passed on is one
pointer; `tuple.name` reads from there. For the callers nothing changes. The address holds until the kernel returns.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, register_model


class Addressed(types.Type):
    """A named tuple that is known by its address."""

    def __init__(self, of: Any) -> None:
        self.of = of
        super().__init__(name=f"Addressed({of})")

    @property
    def key(self) -> Any:
        """What tells one such type from another."""
        return self.of


@register_model(Addressed)
class AddressedModel(models.PrimitiveModel):  # type: ignore[misc]  # numba has no types
    """A pointer to the tuple's values."""

    def __init__(self, manager: Any, kind: Addressed) -> None:
        super().__init__(manager, kind, manager.lookup(kind.of).get_value_type().as_pointer())


def _member(kind: Addressed, name: str) -> tuple[int, Any]:
    place = kind.of.fields.index(name)
    return place, kind.of[place]


@infer_getattr
class AddressedAttribute(AttributeTemplate):  # type: ignore[misc]  # numba has no types
    """The members by their names; a tuple within the tuple is known by its address, too."""

    key = Addressed

    def generic_resolve(self, kind: Addressed, name: str) -> Any:  # type: ignore[override]  # numba names its argument otherwise
        """Type of a member, None if there is none of that name."""
        if name not in kind.of.fields:
            return None
        member = _member(kind, name)[1]
        return Addressed(member) if isinstance(member, types.BaseNamedTuple) else member


def _parts(kind: Any) -> int:
    """Members of a compound type, 0 for a scalar."""
    return len(kind) if isinstance(kind, ir.LiteralStructType) else kind.count if isinstance(kind, ir.ArrayType) else 0


def _load(builder: Any, pointer: Any) -> Any:
    """Load scalar by scalar: what is not used costs nothing."""
    kind = pointer.type.pointee
    n = _parts(kind)
    if n == 0:
        return builder.load(pointer)
    value: Any = ir.Constant(kind, ir.Undefined)
    for i in range(n):
        value = builder.insert_value(value, _load(builder, cgutils.gep_inbounds(builder, pointer, 0, i)), i)
    return value


def _store(builder: Any, value: Any, pointer: Any) -> None:
    n = _parts(value.type)
    if n == 0:
        builder.store(value, pointer)
    for i in range(n):
        _store(builder, builder.extract_value(value, i), cgutils.gep_inbounds(builder, pointer, 0, i))


@lower_getattr_generic(Addressed)
def _lower_attribute(_context: Any, builder: Any, kind: Addressed, value: Any, name: str) -> Any:
    place, member = _member(kind, name)
    pointer = cgutils.gep_inbounds(builder, value, 0, place)
    return pointer if isinstance(member, types.BaseNamedTuple) else _load(builder, pointer)


def _by_address(_context: Any, named: Any) -> Any:
    """Lay a named tuple down in the kernel's frame."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        place = cgutils.alloca_once(builder, arguments[0].type)
        _store(builder, arguments[0], place)
        return place

    return Addressed(named)(named), generate


def _as_it_is(named: Any) -> Any:
    """Without compilation there is nothing to do."""
    return named


by_address: Any = _as_it_is if numba.config.DISABLE_JIT else intrinsic(_by_address)  # type: ignore[attr-defined]  # made at run time

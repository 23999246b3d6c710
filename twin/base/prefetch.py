"""Bringing rows of large tables into the cache before they are needed.

A world of a million devices has gigabytes of rows that are looked at once a second: each first look at one waits for main
memory. Kernels know some steps ahead which rows come next, and ask for them early. A hint only: it changes no value, and a row
outside the table does no harm.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from twin.base.jit import part

LINE = 8  # int64 of a cache line


def _prefetch(_context: Any, table: Any, row: Any, column: Any) -> Any:
    """Ask for the cache line of table[row, column], or of table[row] when it has one dimension."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        array = context.make_array(kind)(context, builder, arguments[0])
        strides = cgutils.unpack_tuple(builder, array.strides, kind.ndim)
        base = builder.ptrtoint(array.data, ir.IntType(64))
        for index, stride in zip(arguments[1:], strides, strict=False):
            base = builder.add(base, builder.mul(index, stride))
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [byte, word, word, word]), "llvm.prefetch.p0i8"
        )
        builder.call(function, [builder.inttoptr(base, byte), word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(table, types.int64, types.int64), generate


prefetch: Any = intrinsic(_prefetch)


@part
def prefetch_row(table, row, lines):
    """Ask for the first `lines` cache lines of a row."""
    for line in range(lines):
        prefetch(table, row, line * LINE)

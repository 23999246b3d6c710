"""Arrivals of a window in the one order both engines use: time, priority level, tie key, sequence number."""

from __future__ import annotations

import numpy as np

from twin.base import columns as col
from twin.base.draws import tie_key
from twin.base.jit import routine


@routine
def merge_runs(s, n):
    """Sort the first n (t, row) pairs of the scratch by t: natural merge sort, quick on what is nearly sorted.

    Returns True when the result lies in (t2, row2).
    """
    src_t, src_r, dst_t, dst_r = s.t, s.row, s.t2, s.row2
    swapped = False
    while True:
        i = 0
        out = 0
        runs = 0
        while i < n:
            mid = i + 1
            while mid < n and src_t[mid - 1] <= src_t[mid]:
                mid += 1
            end = mid
            if mid < n:
                end = mid + 1
                while end < n and src_t[end - 1] <= src_t[end]:
                    end += 1
            if runs == 0 and mid == n:
                return swapped
            a, b = i, mid
            while a < mid and b < end:
                if src_t[b] < src_t[a]:
                    dst_t[out], dst_r[out] = src_t[b], src_r[b]
                    b += 1
                else:
                    dst_t[out], dst_r[out] = src_t[a], src_r[a]
                    a += 1
                out += 1
            while a < mid:
                dst_t[out], dst_r[out] = src_t[a], src_r[a]
                a += 1
                out += 1
            while b < end:
                dst_t[out], dst_r[out] = src_t[b], src_r[b]
                b += 1
                out += 1
            i = end
            runs += 1
        src_t, src_r, dst_t, dst_r = dst_t, dst_r, src_t, src_r
        swapped = not swapped
        if runs == 1:
            return swapped


@routine
def before(data, flows, a, b, t):
    """True when burst a goes before burst b, both arriving at t."""
    if data[a, col.LEVEL] != data[b, col.LEVEL]:
        return data[a, col.LEVEL] < data[b, col.LEVEL]
    if data[a, col.FLOW] != data[b, col.FLOW]:
        ka, kb = tie_key(flows[data[a, col.FLOW], col.FL_HASH], t), tie_key(flows[data[b, col.FLOW], col.FL_HASH], t)
        if ka != kb:
            return ka < kb
    if data[a, col.SEQ] != data[b, col.SEQ]:
        return data[a, col.SEQ] < data[b, col.SEQ]
    return data[a, col.DIR] < data[b, col.DIR]


@routine
def order_ties(data, flows, t, row, n):
    """Order runs of equal times by level, tie key and sequence number (insertion sort: runs are short)."""
    for i in range(1, n):
        if t[i] != t[i - 1]:
            continue
        r = row[i]
        j = i
        while j > 0 and t[j - 1] == t[i] and before(data, flows, r, row[j - 1], t[i]):
            row[j] = row[j - 1]
            j -= 1
        row[j] = r


@routine
def gather(lists, where, bursts, flows, until, s):
    """Take the bursts of a list that arrive before `until`, sorted; later ones stay.

    Returns (t, row, n): the arrays of the scratch that hold the result.
    """
    data, following_of = bursts.data, bursts.next
    n = 0
    keep_head = np.int64(col.NONE)
    keep_tail = np.int64(col.NONE)
    r = lists[where, col.HEAD]
    ordered = True
    last = np.int64(-1)
    while r != col.NONE:
        t = data[r, col.T]
        following = following_of[r]
        if t < until:
            s.t[n] = t
            s.row[n] = r
            n += 1
            if t < last:
                ordered = False
            last = t
        else:
            following_of[r] = col.NONE
            if keep_tail == col.NONE:
                keep_head = r
            else:
                following_of[keep_tail] = r
            keep_tail = r
        r = following
    lists[where, col.HEAD] = keep_head
    lists[where, col.TAIL] = keep_tail
    if not ordered and merge_runs(s, n):
        order_ties(data, flows, s.t2, s.row2, n)
        return s.t2, s.row2, n
    order_ties(data, flows, s.t, s.row, n)
    return s.t, s.row, n

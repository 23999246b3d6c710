"""Network functions: queues with workers, event loops that share a host's CPUs (docs/signalling.md, section 4)."""

from __future__ import annotations

import numpy as np

from twin.base import draws
from twin.base import signal_columns as sc
from twin.base.jit import part, routine
from twin.signalling.event_kernels import push_event

FULL = 65536  # one CPU


@part
def home_function(fx, ctl, core, role, device):
    """The function of a role that serves a device: its home, or the next one up; -1 if none is up."""
    n = fx.n_functions[core, role]
    if n == 0:
        return np.int64(sc.NONE)
    first = fx.first_function[core, role]
    if n == 1:
        return first
    return first + np.int64(draws.mix64(np.uint64(ctl.devices[device, sc.DV_HASH])) % np.uint64(n))


@routine
def function_for(fx, ctl, core, role, device, t):
    """As `home_function`, passing over those that are down at t."""
    f = home_function(fx, ctl, core, role, device)
    if f == sc.NONE:
        return f
    first, n = fx.first_function[core, role], fx.n_functions[core, role]
    for _ in range(n):
        if ctl.functions[f, sc.FU_DOWN_UNTIL] <= t:
            return f
        f = first + (f + 1 - first) % n
    return np.int64(sc.NONE)


@part
def advance_host(ctl, host, t):
    """Bring a host's virtual work up to t."""
    h = ctl.hosts[host]
    if h[sc.HO_BUSY] > 0:
        h[sc.HO_V] += (t - h[sc.HO_T]) * min(FULL, h[sc.HO_CPUS] * FULL // h[sc.HO_BUSY])
    h[sc.HO_T] = t


@routine
def schedule_host(fx, ctl, host, t):
    """Have an event at the host's next end of service."""
    h = ctl.hosts[host]
    if h[sc.HO_BUSY] == 0:
        return
    least = sc.NEVER
    for i in range(h[sc.HO_FIRST], h[sc.HO_FIRST] + h[sc.HO_COUNT]):
        least = min(least, ctl.functions[fx.host_functions[i], sc.FU_TAG])
    rate = min(FULL, h[sc.HO_CPUS] * FULL // h[sc.HO_BUSY])
    left = max(least - h[sc.HO_V], 0)
    due = t + (left + rate - 1) // rate
    if due < h[sc.HO_NEXT]:
        h[sc.HO_NEXT] = due
        push_event(ctl, due, sc.RANK_COMPLETION, h[sc.HO_HASH], sc.EV_HOST, 0, 0, host, 0)


@part
def begin_service(ctl, f):
    """A function of a host takes up the first of what waits there (its host's virtual work is up to date)."""
    function = ctl.functions[f]
    host = ctl.hosts[function[sc.FU_HOST]]
    if host[sc.HO_BUSY] == 0:
        host[sc.HO_V] = 0  # nothing is measured by it now, and it would not fit for ever
    function[sc.FU_TAG] = host[sc.HO_V] + ctl.nodes[function[sc.FU_HEAD], sc.ND_DEMAND] * FULL
    host[sc.HO_BUSY] += 1


@routine
def give_work(key, fx, ctl, f, instance, step, work, base, t):
    """Work of `base` ns arrives at a function that is up and has room."""
    function = ctl.functions[f]
    demand = base
    entity = ctl.instances[instance, sc.IN_HASH]
    if work == sc.WORK_MESSAGE:
        if function[sc.FU_KIND] == sc.EXPONENTIAL:
            u = draws.draw(key, np.uint64(entity), draws.NF_SERVICE, fx.steps[step, sc.ST_INDEX])
            demand = draws.exponential_ns(u, base)
        if function[sc.FU_BACKLOG] == 0:
            demand += function[sc.FU_WAKE]
    function[sc.FU_BACKLOG] += 1
    function[sc.FU_BACKLOG_MAX] = max(function[sc.FU_BACKLOG_MAX], function[sc.FU_BACKLOG])
    function[sc.FU_MESSAGES] += 1
    function[sc.FU_ACCEPTED_NS] += demand
    if function[sc.FU_HOST] == sc.NONE:
        first = function[sc.FU_WORKER_START]
        best = first
        for w in range(first + 1, first + function[sc.FU_WORKERS]):
            if ctl.workers[w] < ctl.workers[best]:
                best = w
        end = max(t, ctl.workers[best]) + demand
        ctl.workers[best] = end
        push_event(ctl, end, sc.RANK_COMPLETION, entity, sc.EV_DONE, (fx.steps[step, sc.ST_INDEX] << sc.WORK_BITS) | work,
                   0, instance, f)  # fmt: skip
        return
    ctl.sizes[sc.SZ_NODES] -= 1
    node = ctl.free_nodes[ctl.sizes[sc.SZ_NODES]]
    row = ctl.nodes[node]
    row[sc.ND_INSTANCE], row[sc.ND_STEP], row[sc.ND_WORK] = instance, step, work
    row[sc.ND_DEMAND], row[sc.ND_NEXT] = demand, sc.NONE
    function[sc.FU_QUEUED_NS] += demand
    host = function[sc.FU_HOST]
    advance_host(ctl, host, t)
    if function[sc.FU_HEAD] == sc.NONE:
        function[sc.FU_HEAD] = node
        function[sc.FU_TAIL] = node
        begin_service(ctl, f)
    else:
        ctl.nodes[function[sc.FU_TAIL], sc.ND_NEXT] = node
        function[sc.FU_TAIL] = node
    schedule_host(fx, ctl, host, t)


@part
def take_node(ctl, f):
    """Remove the first node of a function of a host. Returns it (already free: read it before the next is made)."""
    function = ctl.functions[f]
    node = function[sc.FU_HEAD]
    function[sc.FU_HEAD] = ctl.nodes[node, sc.ND_NEXT]
    if function[sc.FU_HEAD] == sc.NONE:
        function[sc.FU_TAIL] = sc.NONE
    function[sc.FU_QUEUED_NS] -= ctl.nodes[node, sc.ND_DEMAND]
    ctl.free_nodes[ctl.sizes[sc.SZ_NODES]] = node
    ctl.sizes[sc.SZ_NODES] += 1
    return node

"""Links, pools and journeys of the reference engine against numbers worked out by hand."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest
import simpy

from twin.reference.bursts import Burst, Flow, Train
from twin.reference.journey import travel
from twin.reference.transport import Hop, Link, Pool

HORIZON = 10**9


def make_link(env: simpy.Environment, **values) -> Link:
    """A link of 8 ns a byte (1 Gbit/s), no overhead, no delay, an endless buffer."""
    row = {"rate_bps": 10**9, "overhead_bytes": 0, "buffer_bytes": 10**9, "propagation_ns": 0, "node_ns": 0, **values}
    return Link(env, SimpleNamespace(**row), HORIZON)


def make_pool(env: simpy.Environment, **values) -> Pool:
    row = {"workers": 1, "cost_per_packet_ns": 100, "cost_per_byte_ps": 0, "queue_limit_ns": HORIZON, **values}
    return Pool(env, SimpleNamespace(**row), HORIZON)


def make_burst(size: int, level: int = 1, seq: int = 0) -> Burst:
    kind = SimpleNamespace(level=level, mtu_payload_bytes=1000, direction=0, response_bytes=0)
    return Burst(Flow(0, 7, 7, -1, True, kind), seq, 0, 0, size)


def send(env: simpy.Environment, hops: Sequence[Hop], burst: Burst, t_first: int, t_last: int | None = None) -> list:
    """Arrival at the end of the hops, in a list that is filled when it is known."""
    result: list = []

    def way():
        result.append((yield from travel(env, burst, hops, t_first, t_first if t_last is None else t_last)))

    env.process(way())
    return result


def test_one_packet_is_serialised_and_propagated():
    env = simpy.Environment()
    link = make_link(env, overhead_bytes=78, propagation_ns=5_000, node_ns=700)
    burst = make_burst(500)
    arrived = send(env, [link], burst, 1_000)
    env.run()
    assert arrived == [1_000 + (500 + 78) * 8 + 5_700]
    assert burst.parts == {"serialisation": 578 * 8, "propagation": 5_000, "processing": 700, "upf": 0, "transport_queue": 0}
    assert link.busy_ns == 578 * 8


def test_second_hop_starts_with_the_first_packet():
    env = simpy.Environment()
    burst = make_burst(2_500)  # 1000, 1000, 500
    arrived = send(env, [make_link(env), make_link(env)], burst, 0)
    env.run()
    assert arrived == [1_000 * 8 + 2_500 * 8]  # one full packet later, not a whole train later


def test_slow_second_hop_is_the_bottleneck():
    env = simpy.Environment()
    arrived = send(env, [make_link(env), make_link(env, rate_bps=10**8)], make_burst(2_500), 0)
    env.run()
    assert arrived == [1_000 * 8 + 2_500 * 80]


def test_last_packet_does_not_leave_before_it_came():
    env = simpy.Environment()
    burst = make_burst(2_500)
    arrived = send(env, [make_link(env)], burst, 0, t_last=50_000)
    env.run()
    assert arrived == [50_000 + 500 * 8]
    assert burst.parts["transport_queue"] == 0


def test_urgent_train_cuts_in_at_the_packet_boundary():
    env = simpy.Environment()
    link, low, high = make_link(env), make_burst(3_000, level=3), make_burst(200, level=0)
    of_low, of_high = send(env, [link], low, 0), send(env, [link], high, 8_001)
    env.run()
    assert of_high == [2 * 8_000 + 1_600]  # waits for the second packet, not for the third
    assert of_low == [3 * 8_000 + 1_600]
    assert high.parts["transport_queue"] == 7_999
    assert low.parts["transport_queue"] == 1_600


def test_urgent_train_that_arrives_at_the_boundary_goes_first():
    env = simpy.Environment()
    link = make_link(env)
    low, high = send(env, [link], make_burst(2_000, level=3), 0), send(env, [link], make_burst(200, level=0), 8_000)
    env.run()
    assert (high, low) == ([9_600], [17_600])


def test_interrupted_train_goes_on_before_the_next_of_its_level():
    env = simpy.Environment()
    link = make_link(env)
    first, second = send(env, [link], make_burst(2_000), 0), send(env, [link], make_burst(1_000, seq=1), 10)
    send(env, [link], make_burst(1_000, level=0, seq=2), 20)
    env.run()
    assert (first, second) == ([24_000], [32_000])


def test_full_buffer_cuts_the_train_and_what_fits_goes_on():
    env = simpy.Environment()
    narrow, after = make_link(env, buffer_bytes=3_500), make_link(env)
    burst = make_burst(5_000)
    arrived = send(env, [narrow, after], burst, 0)
    env.run()
    assert burst.cause == "link_overflow"
    assert arrived == [3 * 8_000 + 8_000]
    assert (narrow.busy_ns, after.busy_ns) == (24_000, 24_000)


def test_buffer_without_room_ends_the_burst_on_arrival():
    env = simpy.Environment()
    link = make_link(env, buffer_bytes=3_000)
    first, second = make_burst(3_000), make_burst(1_000, seq=1)
    passed, lost = send(env, [link], first, 0), send(env, [link], second, 100)
    env.run()
    assert (passed, lost) == ([24_000], [None])
    assert (first.cause, second.cause) == ("", "link_overflow")


def test_buffer_holds_two_large_packets_at_least():
    env = simpy.Environment()
    burst = make_burst(3_000)
    assert send(env, [make_link(env, buffer_bytes=0)], burst, 0) == []
    env.run()
    assert burst.cause == ""


def test_pool_takes_whole_trains_and_waits_are_upf_time():
    env = simpy.Environment()
    pool, first, second = make_pool(env), make_burst(3_000), make_burst(1_000, seq=1)
    done = send(env, [pool], first, 0), send(env, [pool], second, 50)
    env.run()
    assert done == ([300], [400])
    assert (first.parts["upf"], second.parts["upf"]) == (300, 350)
    assert pool.busy_ns == 400


def test_pool_refuses_a_wait_above_its_limit():
    env = simpy.Environment()
    pool, burst = make_pool(env, queue_limit_ns=249), make_burst(1_000, seq=1)
    send(env, [pool], make_burst(3_000), 0)
    assert send(env, [pool], burst, 50) == []
    env.run()
    assert burst.cause == "upf_overflow"


@pytest.mark.parametrize("size, packets, last", [(1, 1, 1), (1000, 1, 1000), (1001, 2, 1), (2500, 3, 500)])
def test_packets_of_a_train(size, packets, last):
    train = Train(size, 1000)
    assert (train.packets, train.last_bytes) == (packets, last)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.scenario.apportion import apportion
from twin.world.layout import hexagonal_sites, parcels, park_outline, to_degrees, to_plane
from twin.world.stations import in_park_counts

WEIGHTS = st.lists(st.floats(0, 1e6), min_size=1, max_size=30)


@given(st.integers(0, 10**6), WEIGHTS)
def test_parts_add_up_and_stay_within_one_of_their_quota(total, weights):
    w = np.array(weights)
    parts = apportion(total, w)
    if w.sum() <= 0 or total == 0:
        assert parts.sum() == 0
    else:
        assert parts.sum() == total and (abs(parts - total * (w / w.sum())) < 1 + 1e-6).all()


def test_projection_and_back():
    x, y = to_plane(20.6636, 106.05)
    assert to_degrees(x, y) == pytest.approx((20.6636, 106.05))
    from pyproj import Geod

    far = to_plane(21.0285, 105.8542)
    _, _, geodesic = Geod(ellps="WGS84").inv(106.05, 20.6636, 105.8542, 21.0285)
    assert np.hypot(far[0] - x, far[1] - y) == pytest.approx(geodesic, rel=0.005)


@given(st.integers(0, 80), st.floats(5, 900))
def test_sites_lie_in_the_outline_and_apart(n, area):
    outline = park_outline(100.0, -50.0, area)
    assert outline.width * outline.depth == pytest.approx(area * 1e4)
    points = hexagonal_sites(n, outline, "TL2/viettel")
    assert points.shape == (n, 2)
    if n:
        assert (points >= [outline.x_min, outline.y_min]).all() and (points <= [outline.x_max, outline.y_max]).all()
    if n > 1:
        gaps = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)) + np.eye(n) * 1e9
        assert gaps.min() > 0.35 * np.sqrt(area * 1e4 / n)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=60))
def test_plots_have_areas_by_weight_and_do_not_overlap(weights):
    outline = park_outline(0.0, 0.0, 100.0)
    plots = parcels(np.array(weights), outline)
    areas = (plots[:, 2] - plots[:, 0]) * (plots[:, 3] - plots[:, 1])
    assert np.allclose(areas / areas.sum(), np.array(weights) / sum(weights), rtol=1e-6)
    assert areas.sum() == pytest.approx(1e6)


def test_in_park_counts_of_the_plan():
    counts = in_park_counts({"a": 625, "b": 652, "c": 58}, 0.0943, {"p": 100.0, "q": 300.0}, {"p": 2.0, "q": 1.0})
    assert sum(sum(c.values()) for c in counts.values()) == 126
    assert sum(c["a"] for c in counts.values()) == 59

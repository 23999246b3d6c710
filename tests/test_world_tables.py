import json
from pathlib import Path

import numpy as np
import pytest

from twin.base.errors import ProblemsError
from twin.scenario import load
from twin.world.build import build_world
from twin.world.imports import files
from twin.world.layout import to_plane

SCENARIO = Path(__file__).parent.parent / "scenarios" / "one-park.yaml"
SITES = """site,operator,park,lat,lon,height_m,cell,azimuth_deg,tilt_deg,power_dbm,band,tdd_pattern,status,on_air_date
HY-01,viettel,YM2,20.8772,106.0436,30,1,0,4,50,n41,,on_air,2025-06-01
HY-01,viettel,YM2,20.8772,106.0436,30,2,180,4,50,n41,,on_air,01/06/2025
HY-01,vnpt,YM2,20.8772,106.0436,30,,,,,,,on_air,
HY-02,vnpt,YM2,20.8790,106.0450,,,,,,n78,DDSUU,,
HY-03,vnpt,YM2,20.8800,106.0460,,,,,,,,planned,
HY-04,vnpt,YM2,20.8800,106.0460,,,,,,,,on_air,2030-01-01
"""


def world_with(tmp_path, **tables):
    paths = {}
    for name, text in tables.items():
        path = tmp_path / (f"{name}.csv")
        if isinstance(text, Path):
            path = text
        else:
            path.write_text(text, encoding="utf-8")
        paths[name] = str(path)
    return build_world(load(SCENARIO).with_(tables=paths))


def problems_of(tmp_path, **tables) -> list[str]:
    with pytest.raises(ProblemsError) as caught:
        world_with(tmp_path, **tables)
    return [str(p) for p in caught.value.problems]


def test_sites_replace_the_operators_they_name(tmp_path):
    world = world_with(tmp_path, sites=SITES)
    own = world.cells[world.cells["name"].str.startswith("HY")].set_index("name")
    assert list(own.index) == ["HY-01/cell-1", "HY-01/cell-2", "HY-01/vnpt/cell-1", "HY-01/vnpt/cell-2", "HY-01/vnpt/cell-3",
                               "HY-02/cell-1", "HY-02/cell-2", "HY-02/cell-3"]
    assert own.loc["HY-01/cell-2", "azimuth_deg"] == 180 and own.loc["HY-01/cell-2", "tx_power_dbm"] == 50
    assert world.radios["pattern"].to_numpy()[own.loc["HY-02/cell-1", "radio"]] == "DDSUU"
    assert world.sites.set_index("name").loc["HY-01", "height_m"] == 30
    generated = world.stations[~world.stations["name"].str.startswith("HY")]
    assert set(world.operators["operator_id"].iloc[generated["operator"]]) == {"mobifone"}
    assert any("2 stations of the table of sites are not on air" in w for w in world.warnings)


def test_vn2000_and_wgs84_meet(tmp_path):
    from pyproj import Transformer

    east, north = Transformer.from_crs(4326, 9209, always_xy=True).transform(106.0436, 20.8772)
    text = f"site;operator;park;easting_m;northing_m;epsg\nA;viettel;YM2;{east:.3f};{north:.3f};9209\n".replace(".", ",")
    world = world_with(tmp_path, sites=text)
    site = world.sites.set_index("name").loc["A"]
    assert np.allclose([site.x_m, site.y_m], to_plane(20.8772, 106.0436), atol=0.01)


def test_geojson_and_xlsx_read_the_same(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["site", "operator", "park", "lat", "lon", "on_air_date"])
    book.active.append(["A", "viettel", "YM2", 20.8772, 106.0436, "2025-01-01"])
    book.save(tmp_path / "sites.xlsx")
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [106.0436, 20.8772]},
               "properties": {"site": "A", "operator": "viettel", "park": "YM2"}}
    (tmp_path / "sites.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    one, two = (world_with(tmp_path, sites=tmp_path / f"sites.{kind}") for kind in ("xlsx", "geojson"))
    assert one.sites.equals(two.sites) and one.cells.equals(two.cells)


def test_all_problems_of_all_files_are_reported_at_once(tmp_path):
    sites = ("site,operater,park,lat,lon,azimuth_deg,status\n"
             "A,viettel,YM2,106.04,20.87,400,on_air\n"
             "B,viettel,YM9,20.87,106.04,12,onair\n")
    tenants = "tenant,park,workers\nT1,YM2,-5\nT1,YM2,many\n"
    found = problems_of(tmp_path, sites=sites, tenants=tenants)
    text = "\n".join(found)
    for part in ("sites.csv:1: operater: unknown column (did you mean 'operator'?)",
                 "sites.csv:1: operator: this column is missing",
                 "sites.csv:2: lat: 106.04 is out of range", "sites.csv:2: azimuth_deg: 400 is out of range",
                 "sites.csv:3: park: 'YM9' is not in the scenario",
                 "sites.csv:3: status: 'onair' is unknown (did you mean 'on_air'?)",
                 "tenants.csv:2: workers: -5 is out of range", "tenants.csv:3: workers: 'many' is not a number",
                 "tenants.csv:3: tenant: 'T1' stands twice in park YM2"):
        assert part in text, part


@pytest.mark.parametrize(("name", "content", "message"), [
    ("sites.csv", b"", "the file is empty"),
    ("sites.csv", b"site,operator,park\n", "no rows below the header"),
    ("sites.csv", b"\xff\xfe\x00", "not UTF-8"),
    ("sites.csv", b'site,operator,park\n"A,viettel', "broken CSV"),
    ("sites.csv", b"site,site\nA,B\n", "stands twice"),
    ("sites.csv", b"site,operator\nA,viettel,YM2\n", "3 cells under 2 columns"),
    ("sites.pdf", b"x", "is none of .csv, .xlsx, .geojson"),
    ("sites.xlsx", b"PK nonsense", "not a readable XLSX"),
    ("sites.geojson", b"[1, 2", "not JSON"),
    ("sites.geojson", b'{"type": "Feature"}', "not a GeoJSON FeatureCollection"),
    ("sites.geojson", b'{"type": "FeatureCollection", "features": [{"geometry": {"type": "Polygon"}}]}', "not a Point"),
])
def test_broken_files(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    assert message in "\n".join(problems_of(tmp_path, sites=path))


def test_missing_and_huge_files(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"not there|does not exist|missing|no such file"):
        world_with(tmp_path, sites=tmp_path / "none.csv")
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 10)
    assert "larger than" in problems_of(tmp_path, sites=SITES)[0]


def test_swapped_coordinates_are_found(tmp_path):
    text = "site,operator,park,easting_m,northing_m,epsg\nA,viettel,YM2,2309000,556000,9209\n"
    assert "far from the parks" in problems_of(tmp_path, sites=text)[0]
    assert "without their system" in problems_of(tmp_path, sites=text.replace(",epsg", "").replace(",9209", ""))[0]


def test_tenants_replace_those_of_their_park(tmp_path):
    world = world_with(tmp_path, tenants="tenant,park,workers,devices,sla_pct,start_date\nBig,YM2,900,1000,99.9,\n"
                                         "Small,YM2,100,,,\nLate,YM2,100,,,2030-01-01\n")
    names = set(world.tenants["name"])
    assert {"YM2/Big", "YM2/Small"} <= names and "YM2/Late" not in names
    own = world.tenants.set_index("name").loc["YM2/Big"]
    assert own.workers == 900 and own.sla_pct == 99.9


def test_links_change_rate_and_fill(tmp_path):
    text = "from,to,rate_gbps,p95_load_pct,length_km,duct\nYM2/viettel/agg,viettel/yen-my,25,40,7.5,duct/QL39\n"
    world = world_with(tmp_path, links=text)
    link = world.resources.set_index("name").loc["YM2/viettel/agg>viettel/yen-my [up]"]
    assert link.rate_total_bps == 25_000_000_000 and link.rate_bps == 15_000_000_000
    assert link.propagation_ns == round(7.5 * 4900) and link.duct == "duct/QL39" and link.next_step == "50G"
    assert "did you mean" in problems_of(tmp_path, links=text.replace("yen-my", "yen-my2"))[0]


def test_own_topology(tmp_path):
    nodes = ("node,kind,operator,park,lat,lon\nHN,core,shared,,21.03,105.85\n"
             "A1,aggregation,shared,YM2,20.8772,106.0436\nPoP,pop,shared,,20.66,106.05\n")
    links = "from,to,rate_gbps\nA1,PoP,10\nPoP,HN,100\n"
    world = world_with(tmp_path, nodes=nodes, links=links)
    assert {"HN", "A1", "PoP"} <= set(world.graph)
    assert world.resources["name"].str.startswith("A1>PoP").any()
    assert "has no core node" in problems_of(tmp_path, nodes=nodes.replace("HN,core", "HN,ring"), links=links)[0]
    assert "no node 'Pop'" in problems_of(tmp_path, nodes=nodes, links=links.replace("A1,PoP", "A1,Pop"))[0]


def test_capacities(tmp_path):
    text = "unit,workers,cost_per_packet_us,service_mean_us,block_size,price_usd\nviettel/hanoi/upf,3,2.5,,10 Gbit/s,50000\n"
    world = world_with(tmp_path, nf_capacity=text)
    pool = world.resources.set_index("name").loc["viettel/hanoi/upf [up]"]
    assert pool.workers == 3 and pool.cost_per_packet_ns == 2500 and "10 Gbit/s" in pool.next_step
    assert "did you mean" in problems_of(tmp_path, nf_capacity=text.replace("hanoi/upf", "hanoi/upff"))[0]


def test_block_and_price_reach_the_next_step_of_queues_and_notes_say_so(tmp_path):
    text = ("unit,block_size,price_usd,limit,redundancy\nviettel/hanoi/ingest,4 cores,1200,,\n"
            "viettel/hanoi/store,,,,N+1\nvnpt/hanoi/store,,,500 messages/s,\n")
    world = world_with(tmp_path, nf_capacity=text)
    step = world.resources.set_index("name")["next_step"]
    assert step["viettel/hanoi/ingest"] == "one more block of 4 cores, US$ 1,200"
    assert step["viettel/hanoi/store"] == "64 workers"
    assert "tables.nf_capacity: limit and redundancy are notes without effect" in world.warnings


def test_no_tenant_has_the_name_of_the_phones(tmp_path):
    found = problems_of(tmp_path, tenants="tenant,park,workers\nworkers,YM2,5\n")
    assert found[0].startswith("tenants.csv:2: tenant:") and "kept for the workers' phones" in found[0]


def test_documentation_lists_every_column():
    from twin.world.imports import network, sites, tenants

    text = (Path(__file__).parent.parent / "docs" / "world.md").read_text(encoding="utf-8")
    for columns in (sites.COLUMNS, tenants.COLUMNS, network.NODE_COLUMNS, network.LINK_COLUMNS, network.CAPACITY_COLUMNS):
        for column in columns:
            line = f"| `{column.name}` | {column.kind} | {'yes' if column.required else ''} |"
            fitting = [row for row in text.splitlines() if row.startswith(line) and row.endswith(f"| {column.description} |")]
            assert fitting, column.name


def test_links_table_leaves_protection_as_it_was_unless_it_says(tmp_path):
    def protected(text: str) -> list[bool]:
        graph = world_with(tmp_path, links=text).graph
        spare = [e for e in graph.edges if "YM2/viettel/agg" in e and graph.edges[e]["kind"] == "aggregation"]
        return sorted(graph.edges[e]["protection"] for e in spare)

    graph = build_world(load(SCENARIO)).graph
    a, b = next(e for e in graph.edges if "YM2/viettel/agg" in e and graph.edges[e]["protection"])
    assert protected(f"from,to,rate_gbps\n{a},{b},25\n") == [False, True]
    assert protected(f"from,to,rate_gbps,protection\n{a},{b},25,no\n") == [False, False]


def test_a_site_far_from_its_park_is_doubted(tmp_path):
    from twin.scenario import load
    from twin.world.build import build_world

    (tmp_path / "sites.csv").write_text("site,park,operator,lat,lon\na,YM2,viettel,20.8772,106.0436\nb,YM2,viettel,21.2,106.3\n")
    (tmp_path / "far.yaml").write_text(f"extends: {Path(__file__).parent.parent / 'scenarios' / 'one-park.yaml'}\n"
                                       "name: far\ntables: {sites: sites.csv}\n")
    doubts = [w for w in build_world(load(tmp_path / "far.yaml")).warnings if "km outside" in w]
    assert len(doubts) == 1 and "sites.csv:3" in doubts[0]

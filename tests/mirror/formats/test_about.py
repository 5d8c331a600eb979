"""Facts of a dataset from documents of every era."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.formats.about import read_about, read_facts, read_readme
from mirror.formats.layout import FactValue, FindingCode
from tests.mirror.formats.buckets import bucket_a, discover, document
from tests.mirror.formats.test_readme import OF_2020

OF_2020_JSON = {
    "Title": "Interphase HeLa cell",
    "Summary": {
        "Acquisition date": "2017-6-21",
        "Dataset ID": "jrc_hela-2",
        "Voxel size (nm)": "4.0 x 4.0 x 5.24 (X, Y, Z)",
        "Dimensions (\u00b5m)": "48 x 6 x 33 (X, Y, Z)",
    },
    "About this sample": {
        "Sample": "Wild-type HeLa cell",
        "Protocol": "2% OsO<sub>4</sub>",
        "Contributions": "Somebody",
    },
    "Acquisition information": {
        "Final voxel size (nm)": "4.0 x 4.0 x 5.24 (X, Y, Z)",
        "Data dimensions (\u00b5m)": "48 x 6 x 33 (X, Y, Z)",
        "Data size (GB)": "238",
        "Imaging duration (days)": "25",
        "Imaging start date": "6/21/2017",
        "Primary energy (eV)": "900.0",
        "Bias (V)": "500",
        "Imaging current (nA)": "0.25",
        "Scanning speed (MHz)": "0.1",
    },
    "Dataset information": {
        "EM DOI": "10.25378/janelia.13114211",
        "Segmentations DOI": "10.25378/janelia.13108343",
        "Dataset ID": "jrc_hela-2",
        "Publications": "Xu et al., 2020; Heinrich et al., 2020",
    },
}
OF_2021_JSON = {
    "title": "Vero cells",
    "id": "jrc_ccl81-covid-1",
    "publications": [""],
    "imaging": {
        "startDate": "2020-09-10",
        "duration": 11,
        "biasVoltage": 0.0,
        "scanRate": 0.2,
        "current": 0.25,
        "primaryEnergy": 700.0,
        "gridSpacing": {"unit": "nm", "values": {"z": 5.24, "y": 4.0, "x": 4.0}},
        "dimensions": {"unit": "\u03bcm", "values": {"z": 15.0, "y": 20.0, "x": 25.8}},
        "id": "NIH2020_18A",
        "institution": "Janelia",
    },
    "sample": {
        "description": "A cell",
        "protocol": "",
        "contributions": "Somebody",
        "organism": ["Monkey"],
        "type": ["Cell culture"],
        "subtype": ["Vero"],
        "treatment": ["SARS-COV-2"],
    },
    "institution": ["HHMI/Janelia", "NIH"],
    "softwareAvailability": "open",
    "DOI": [{"id": "em", "DOI": "10.25378/janelia.16638316"}, {"id": "seg", "DOI": ""}],
}
OF_2023_JSON = {
    "name": "jrc_mus-liver",
    "thumbnail_url": "https://example.org/thumbnail.jpg",
    "license": "CC BY 4.0",
    "image_acquisition": {
        "name": "FIB-SEM of liver",
        "instrument": "Zeiss Merlin",
        "start_date": "2020-01-02T00:00:00",
        "grid_axes": ["z", "y", "x"],
        "grid_spacing": [5.24, 4.0, 4.0],
        "grid_spacing_unit": "nm",
        "grid_dimensions": [15.0, 20.0, 25.8],
        "grid_dimensions_unit": "um",
    },
    "publications": [{"name": "Xu et al., 2021", "url": "https://doi.org/10.1038/s41586-021-03992-4"}],
}


def facts_of(body: dict[str, Any]) -> dict[str, FactValue]:
    """Return the first fact of each name."""
    facts: dict[str, FactValue] = {}
    for fact in read_facts(body, "README.json").facts:
        facts.setdefault(fact.name, fact.value)
    return facts


def test_a_document_of_2020() -> None:
    """Titles as keys, units in the keys, numbers as text."""
    assert read_facts(OF_2020_JSON, "README.json").unread == ()
    assert facts_of(OF_2020_JSON) == {
        "title": "Interphase HeLa cell",
        "acquisition_start_date": "2017-06-21",
        "dataset_id": "jrc_hela-2",
        "voxel_size_nm_xyz": (4.0, 4.0, 5.24),
        "dimensions_nm_xyz": (48000.0, 6000.0, 33000.0),
        "sample_description": "Wild-type HeLa cell",
        "protocol": "2% OsO4",
        "contributions": "Somebody",
        "published_size_bytes": 238_000_000_000,
        "acquisition_duration_days": 25.0,
        "acquisition_primary_energy_ev": 900.0,
        "acquisition_bias_voltage_v": 500.0,
        "acquisition_current_na": 0.25,
        "acquisition_scan_rate_mhz": 0.1,
        "doi": ("10.25378/janelia.13114211 (em)",),
        "publications": ("Xu et al., 2020", "Heinrich et al., 2020"),
    }


def test_a_document_of_2021() -> None:
    """Objects with units and values; what is empty says nothing."""
    assert read_facts(OF_2021_JSON, "README.json").unread == ()
    assert facts_of(OF_2021_JSON) == {
        "title": "Vero cells",
        "dataset_id": "jrc_ccl81-covid-1",
        "acquisition_start_date": "2020-09-10",
        "acquisition_duration_days": 11.0,
        "acquisition_bias_voltage_v": 0.0,
        "acquisition_scan_rate_mhz": 0.2,
        "acquisition_current_na": 0.25,
        "acquisition_primary_energy_ev": 700.0,
        "voxel_size_nm_xyz": (4.0, 4.0, 5.24),
        "dimensions_nm_xyz": (25800.0, 20000.0, 15000.0),
        "acquisition_id": "NIH2020_18A",
        "acquisition_institution": ("Janelia",),
        "sample_description": "A cell",
        "contributions": "Somebody",
        "organism": ("Monkey",),
        "sample_type": ("Cell culture",),
        "sample_subtype": ("Vero",),
        "treatment": ("SARS-COV-2",),
        "institution": ("HHMI/Janelia", "NIH"),
        "software_availability": "open",
        "doi": ("10.25378/janelia.16638316 (em)",),
    }


def test_a_document_of_2023() -> None:
    """Words joined by underscores; lists with their axes beside them."""
    assert read_facts(OF_2023_JSON, "README.json").unread == ()
    assert facts_of(OF_2023_JSON) == {
        "dataset_id": "jrc_mus-liver",
        "thumbnail": "https://example.org/thumbnail.jpg",
        "licence": "CC BY 4.0",
        "acquisition_id": "FIB-SEM of liver",
        "acquisition_instrument": "Zeiss Merlin",
        "acquisition_start_date": "2020-01-02",
        "voxel_size_nm_xyz": (4.0, 4.0, 5.24),
        "dimensions_nm_xyz": (25800.0, 20000.0, 15000.0),
        "publications": ("10.1038/s41586-021-03992-4 (Xu et al., 2021)",),
    }


def test_a_readme_in_markdown() -> None:
    """The same facts as from JSON."""
    found = {fact.name: fact.value for fact in read_readme(OF_2020, "README.md").facts}
    assert found == {
        "title": "HeLa Cell 2",
        "sample_description": "A cultured wild-type HeLa cell, frozen.",
        "protocol": "2% OsO4 in acetone",
        "voxel_size_nm_xyz": (4.0, 4.0, 4.0),
        "acquisition_id": "Aubrey_17-7_17_Cell2 (Cryo)",
    }


@pytest.mark.parametrize(
    ("doi", "expected"),
    [
        ("10.1/a", ("10.1/a",)),
        ("https://doi.org/10.1/a", ("10.1/a",)),
        (["10.1/a", "doi:10.1/b"], ("10.1/a", "10.1/b")),
        ({"EM": "10.1/a", "Seg": "10.1/b"}, ("10.1/a (EM)", "10.1/b (Seg)")),
        ([{"href": "https://doi.org/10.1/a", "title": "EM"}], ("10.1/a (EM)",)),
        ([{"id": "em", "DOI": ""}], None),
        ([7], None),
    ],
    ids=["text", "url", "list", "object", "links", "empty", "odd"],
)
def test_a_doi_has_many_forms(doi: object, expected: tuple[str, ...] | None) -> None:
    """Text, lists and objects of it; the resolver's address goes."""
    assert facts_of({"DOI": doi}).get("doi") == expected


def test_what_is_not_understood_is_named() -> None:
    """By its path; the rest of the document is read."""
    odd = {
        "title": "T",
        "imaging": {"gridSpacing": {"unit": "parsec", "values": {"x": 1, "y": 1, "z": 1}}, "dose": {"value": 3}},
        "sample": {"organism": [7]},
        "grants": ["g"],
    }
    about = read_facts(odd, "README.json")
    assert [fact.name for fact in about.facts] == ["title"]
    assert about.unread == ("imaging.gridSpacing", "imaging.dose.value", "sample.organism", "grants")


def test_a_damaged_document_is_a_finding() -> None:
    """So is one with odd parts; neither fails."""
    about, findings = read_about("README.json", b"{", "d/README.json")
    assert (about.facts, [finding.code for finding in findings]) == ((), [FindingCode.MALFORMED_METADATA])
    about, findings = read_about("index.json", document(odd=1), "d/index.json")
    assert [(finding.code, finding.place, finding.found) for finding in findings] == [
        (FindingCode.FACT_NOT_READ, "d/index.json", "odd")
    ]


def test_a_dataset_has_the_facts_of_its_own_folder() -> None:
    """README.json first; files of the same names deeper in are strays."""
    objects = bucket_a()
    objects["jrc_hela-2/README.json"] = document(title="From README.json")
    objects["jrc_hela-2/README.md"] = b"# From README.md\n"
    objects["jrc_hela-2/jrc_hela-2.n5/README.json"] = document(title="A stray")
    dataset = discover(objects)
    titles = [(fact.value, fact.source) for fact in dataset.facts if fact.name == "title"]
    assert titles == [("From README.json", "README.json: title"), ("From README.md", "README.md: Title")]


def test_a_readme_that_is_too_large_is_not_read() -> None:
    """It is mirrored as any other file."""
    objects = bucket_a()
    objects["jrc_hela-2/README.json"] = document(title="x" * 2**20)
    assert [fact for fact in discover(objects).facts if fact.name == "title"] == []


_KEYS = st.sampled_from(
    ["imaging", "gridSpacing", "DOI", "sample", "Size (GB)", "values", "unit", "x", "axes", "publications", "title"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS | st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(_KEYS | st.text(max_size=8), _JSON, max_size=5))
def test_no_document_fails(body: dict[str, Any]) -> None:
    """Whatever stands there, the answer is facts with sources and paths without understanding."""
    about = read_facts(body, "README.json")
    assert all(fact.source.startswith("README.json: ") for fact in about.facts)


def test_a_document_of_great_depth_is_not_followed() -> None:
    """Its bottom is named as not read."""
    body: dict[str, Any] = {"title": "T"}
    for _ in range(500):
        body = {"x": body}
    assert read_facts(body, "README.json").unread == (".".join("x" * 9),)


@pytest.mark.samples
def test_all_metadata_of_the_manifests_is_understood(samples: Path) -> None:
    """No field of any is left, and each has the facts that all have."""
    paths = sorted((samples / "manifests").glob("*.json"))
    assert len(paths) > 20
    for path in paths:
        about = read_facts(json.loads(path.read_text()), path.name)
        names = {fact.name for fact in about.facts}
        assert about.unread == (), path.name
        assert {"title", "voxel_size_nm_xyz", "dimensions_nm_xyz", "organism", "thumbnail"} <= names, path.name

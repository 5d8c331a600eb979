"""What a selection holds of datasets in the layouts of both buckets."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.errors import ExitCode, UnknownNameError
from mirror.formats.dataset import FindingCode, Format
from mirror.selection import Selection, SelectionSpec, parse_formats, parse_scales, parse_volumes, select
from tests.mirror.formats.buckets import Bucket, array, bucket_a, bucket_b, discover, document, pyramid

ROOT = "jrc_hela-2/jrc_hela-2.n5"
A, B = bucket_a(), bucket_b()


def spec_of(
    scales: str = "all", volumes: tuple[str, ...] = (), formats: str | None = None, *, with_unscaled: bool = True
) -> SelectionSpec:
    """Return the spec that a command line spells."""
    chosen = None if formats is None else parse_formats(formats)
    return SelectionSpec(parse_scales(scales), parse_volumes(volumes), chosen, with_unscaled)


def keys_of(selection: Selection, objects: Bucket) -> list[str]:
    """Return every key that the selection takes, as the engine would: by prefix and one by one."""
    prefixes = [one.prefix for one in selection.arrays] + list(selection.subtrees)
    listed = [key for prefix in prefixes for key in objects if key.startswith(prefix)]
    return sorted(listed + [one.key for one in selection.objects])


def lines_of(selection: Selection) -> dict[str, tuple[str, ...]]:
    """Return the levels chosen by volume."""
    return {choice.volume.path: choice.levels for choice in selection.volumes}


def test_everything_is_chosen_by_default_in_n5_and_no_other_format() -> None:
    """All of the N5 container and all loose files of A, strays too; nothing of zarr and neuroglancer."""
    taken = keys_of(select(discover(A), spec_of()), A)
    assert taken == sorted(key for key in A if ".zarr/" not in key and "/neuroglancer/" not in key)


def test_all_formats_choose_every_key() -> None:
    """With all formats no key of the dataset is left out, and none is named twice."""
    assert keys_of(select(discover(A), spec_of(formats="n5,zarr,precomputed,mesh")), A) == sorted(A)
    assert keys_of(select(discover(B), spec_of()), B) == sorted(B)


def test_odd_keys_are_left_to_the_listing_and_none_is_lost() -> None:
    """Empty names, dots and control characters anywhere change no volume; each key is still taken exactly once."""
    places = [
        "",
        "jrc_hela-2.n5/",
        "jrc_hela-2.n5/em/",
        "jrc_hela-2.n5/em/fibsem-uint16/",
        "jrc_hela-2.zarr/",
        "notes/",
    ]
    places += ["jrc_hela-2.n5/em/fibsem-uint16/s0/", "neuroglancer/", "neuroglancer/em/", "neuroglancer/mesh/"]
    names = ["/x", "/s0/0/0", "../x", "a\nb", "./x/y", "s\u00fc\u00df"]
    objects = A | {f"jrc_hela-2/{place}{name}": b"odd" for place in places for name in names}
    selection = select(discover(objects), spec_of(formats="n5,zarr,precomputed,mesh"))
    assert keys_of(selection, objects) == sorted(objects)
    plain = select(discover(A), spec_of(formats="n5,zarr,precomputed,mesh"))
    assert {path: lines_of(selection)[path] for path in lines_of(plain)} == lines_of(plain)
    assert selection.findings == ()


def test_scales_choose_levels_and_keep_arrays_without() -> None:
    """A level that some volumes lack is fine; arrays without levels count as chosen."""
    selection = select(discover(A), spec_of("s0-s2"))
    assert lines_of(selection) == {
        "em/fibsem-uint16": ("s0", "s1", "s2"),
        "labels/masks/foreground": (),
        "labels/mito_pred": ("s0", "s1", "s2"),
        "labels/mito_seg": ("s0", "s1"),
    }
    assert selection.left_out == ("em/fibsem-uint16/s3", "em/fibsem-uint16/s4")


def test_a_volume_that_lacks_all_scales_is_left_out_with_its_group() -> None:
    """A group whose levels are not chosen is not mirrored: it would name levels that are not there."""
    selection = select(discover(A), spec_of("s3-"))
    assert set(lines_of(selection)) == {"em/fibsem-uint16", "labels/masks/foreground"}
    assert f"{ROOT}/labels/mito_seg/attributes.json" not in keys_of(selection, A)
    assert "labels/mito_seg" in selection.left_out


def test_arrays_without_levels_can_be_left_out() -> None:
    """`--no-unscaled` takes the pyramids only."""
    selection = select(discover(B), spec_of(with_unscaled=False))
    assert sorted(lines_of(selection)) == ["volumes/labels/er_pred", "volumes/labels/er_seg", "volumes/raw"]
    assert "volumes/masks/foreground" in selection.left_out


@pytest.mark.parametrize(
    ("objects", "expected"), [(A, ["em/fibsem-uint16"]), (B, ["volumes/raw"])], ids=["bucket a", "bucket b"]
)
def test_raw_is_the_em_of_either_bucket(objects: Bucket, expected: list[str]) -> None:
    """The word `raw` chooses the EM in both layouts."""
    assert list(lines_of(select(discover(objects), spec_of(volumes=("raw",))))) == expected


def test_metadata_above_what_is_chosen_and_loose_files_always_come_along() -> None:
    """Every attributes.json above a chosen volume, and the dataset's loose files; no stray of a group above."""
    selection = select(discover(B), spec_of("s0", ("volumes/labels/er_seg",)))
    assert [one.key for one in selection.objects] == [
        "jrc_hela-2/",
        f"{ROOT}/attributes.json",
        f"{ROOT}/volumes/labels/er_seg/attributes.json",
    ]
    assert selection.subtrees == ("jrc_hela-2/skeletons/",)
    only_raw = select(discover(A), spec_of(volumes=("raw",)))
    assert f"{ROOT}/em/notes.txt" not in keys_of(only_raw, A)
    assert "jrc_hela-2/thumbnail.jpg" in keys_of(only_raw, A)


def test_a_chosen_group_brings_its_strays() -> None:
    """A group that is chosen itself is taken with all objects in it."""
    assert f"{ROOT}/em/notes.txt" in keys_of(select(discover(A), spec_of(volumes=("em",))), A)


def test_one_level_can_be_chosen_by_its_path() -> None:
    """A pattern may reach below a volume."""
    selection = select(discover(A), spec_of(volumes=("em/*/s1", "labels/mito_seg")))
    assert lines_of(selection) == {"em/fibsem-uint16": ("s1",), "labels/mito_seg": ("s0", "s1")}


def test_a_dataset_without_n5_gives_its_zarr() -> None:
    """Where a dataset has no N5, zarr is the default; with `--formats` it is as asked."""
    objects = {key: body for key, body in A.items() if ".n5/" not in key}
    selection = select(discover(objects), spec_of())
    assert selection.formats == (Format.ZARR,)
    assert lines_of(selection) == {"recon-1/em/fibsem-uint8": ("full", "half")}


def test_scales_count_places_in_zarr_and_precomputed() -> None:
    """Level 1 is the second that zarr's multiscales and precomputed's scales name."""
    selection = select(discover(A), spec_of("s1", ("raw",), "zarr,precomputed"))
    assert lines_of(selection) == {
        "recon-1/em/fibsem-uint8": ("half",),
        "neuroglancer/em/fibsem-uint8.precomputed": ("s1",),
    }
    assert "jrc_hela-2/neuroglancer/em/fibsem-uint8.precomputed/info" in keys_of(selection, A)


def test_meshes_are_taken_whole() -> None:
    """A mesh is a subtree of plain objects."""
    selection = select(discover(A), spec_of(formats="mesh"))
    assert selection.subtrees == ("jrc_hela-2/neuroglancer/mesh/mito_seg/",)
    assert selection.arrays == ()


def test_what_cannot_be_understood_is_taken_as_plain_objects() -> None:
    """A level with a damaged document is chosen by its name and taken whole; others stay arrays."""
    objects = B | {f"{ROOT}/volumes/raw/s1/attributes.json": b"{"}
    selection = select(discover(objects), spec_of("s0-s1", ("raw",)))
    assert f"{ROOT}/volumes/raw/s1/" in selection.subtrees
    assert [one.level_name for one in selection.arrays] == ["s0"]
    assert FindingCode.MALFORMED_METADATA in [finding.code for finding in selection.findings]
    assert not any("raw/s1" in prefix for prefix in select(discover(objects), spec_of("s0", ("raw",))).subtrees)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param(spec_of("s7"), ["s7", "s0, s1, s2, s3, s4"], id="scale"),
        pytest.param(spec_of("s3-s6"), ["s5, s6"], id="part of a range"),
        pytest.param(spec_of("s7-"), ["s7"], id="open range"),
        pytest.param(spec_of("s4", ("labels/mito_seg",)), ["s4", "s0, s1"], id="scale that only others have"),
        pytest.param(spec_of(volumes=("labels/mito_sge",)), ["labels/mito_sge", "labels/mito_seg"], id="volume"),
        pytest.param(spec_of(volumes=("mito_seg",)), ["labels/mito_seg"], id="volume without its group"),
        pytest.param(spec_of(volumes=("label",)), ["labels"], id="group"),
        pytest.param(spec_of(volumes=("zzzzzzzzz",)), ["4 volumes", "em, labels"], id="like nothing"),
        pytest.param(spec_of(volumes=("recon-1/**",)), ["--formats n5,zarr"], id="other format"),
        pytest.param(spec_of(volumes=("raw", "!em")), ["leaves nothing", "raw !em"], id="all excluded"),
    ],
)
def test_what_does_not_exist_is_named_with_what_is_near(spec: SelectionSpec, words: list[str]) -> None:
    """An unknown scale or volume is exit 2, and the message helps."""
    with pytest.raises(UnknownNameError) as caught:
        select(discover(A), spec)
    assert caught.value.exit_code is ExitCode.USAGE
    for word in words:
        assert word in str(caught.value)


def test_a_format_that_the_dataset_lacks_is_named() -> None:
    """Asking for a format that is not there says which are."""
    with pytest.raises(UnknownNameError, match="expected n5"):
        select(discover(B), spec_of(formats="zarr,mesh"))


def test_scales_mean_nothing_where_no_volume_has_levels() -> None:
    """Ground truth alone has no levels: scales cannot be wrong there."""
    selection = select(discover(B), spec_of("s9", ("volumes/groundtruth",)))
    assert lines_of(selection) == {"volumes/groundtruth/0003/crop1/labels/all": ()}


def test_an_exclusion_without_effect_is_a_finding() -> None:
    """One `!` pattern serves many datasets, so that it may hit nothing; it is said."""
    findings = select(discover(A), spec_of(volumes=("!labels/er_*",))).findings
    assert [(finding.code, finding.found) for finding in findings] == [
        (FindingCode.PATTERN_WITHOUT_EFFECT, "!labels/er_*")
    ]


@pytest.mark.parametrize("formats", [None, "n5,zarr,precomputed,mesh"], ids=["default formats", "all formats"])
def test_a_dataset_without_volumes_gives_its_loose_files(formats: str | None) -> None:
    """Nothing but loose files is no error; it is a finding."""
    selection = select(discover({"jrc_hela-2/README.md": b"x"}), spec_of(formats=formats))
    assert [one.key for one in selection.objects] == ["jrc_hela-2/README.md"]
    assert [finding.code for finding in selection.findings] == [FindingCode.NO_VOLUMES]


def test_only_the_container_that_holds_a_choice_brings_its_metadata() -> None:
    """A second container without anything chosen is left alone."""
    other = "jrc_hela-2/other.n5"
    objects = B | {f"{other}/attributes.json": document(n5="2.0.0")} | array(f"{other}/x")
    assert not any("other.n5" in key for key in keys_of(select(discover(objects), spec_of(volumes=("raw",))), objects))
    assert lines_of(select(discover(objects), spec_of(volumes=("x",)))) == {"x": ()}


def test_a_description_is_json_and_always_the_same() -> None:
    """The catalog's record of a selection depends on dataset and spec alone."""
    spec = spec_of("s1,s0", ("raw", "!labels"))
    described = select(discover(A), spec).describe()
    assert json.loads(json.dumps(described)) == described
    assert described == select(discover(dict(reversed(A.items()))), spec).describe()
    assert described["scales"] == "s0-s1"
    assert described["volumes"] == ["raw", "!labels"]
    assert described["chosen"] == [
        {"container": "jrc_hela-2.n5", "volume": "em/fibsem-uint16", "levels": ["s0", "s1"]},
    ]


patterns = st.lists(
    st.sampled_from(["raw", "labels", "em/*", "**/*_seg", "!labels/mito_*", "!raw", "**/s0", "recon-1", "**"]),
    max_size=3,
)
formats = st.none() | st.sets(st.sampled_from([str(name) for name in Format]), min_size=1).map(",".join)


@settings(deadline=None)
@given(st.sampled_from(["all", "s0", "s1-", "s0-s1"]), patterns, formats, st.booleans())
def test_a_selection_names_no_key_twice_and_opens(
    scales: str, volumes: list[str], formats: str | None, with_unscaled: bool
) -> None:
    """Whatever is asked: keys are unique, inside the dataset, and all metadata above a chosen array is there."""
    dataset = discover(A)
    try:
        selection = select(dataset, spec_of(scales, tuple(volumes), formats, with_unscaled=with_unscaled))
    except UnknownNameError:
        return
    taken = keys_of(selection, A)
    assert len(taken) == len(set(taken))
    assert set(taken) <= set(A)
    names = ("attributes.json", ".zgroup", ".zattrs", "info")
    for chosen in selection.arrays:
        parts = chosen.prefix.rstrip("/").split("/")
        above = ["/".join(parts[:n]) for n in range(2, len(parts))]
        assert {f"{folder}/{name}" for folder in above for name in names} & set(A) <= set(taken)


def test_patterns_narrow_down_many_volumes() -> None:
    """Of hundreds of volumes exactly those are chosen that the patterns leave."""
    objects = {f"{ROOT}/attributes.json": document(n5="2.0.0")}
    for n in range(300):
        objects |= pyramid(f"{ROOT}/labels/organelle{n}_seg", 2)
    selection = select(discover(objects), spec_of("s1", ("labels/*1_seg", "!**/organelle11_seg")))
    assert len(selection.arrays) == 29

"""The labels of the paper's crops, and the classes that its networks were trained for: several labels as one.

The numbers and names are those of the crops' own lists. The classes, with the names that the evaluations use, are the
`hierarchy` of the authors' code (github.com/saalfeldlab/CNNectome, `CNNectome/utils/hierarchy.py`); the short names are
those of volumes in the buckets (`labels/mito-mem_pred`).
"""

from __future__ import annotations

from collections.abc import Mapping

from catalog.records import LabelRecord

LABELS = (
    LabelRecord(1, "ECS", "ecs"),
    LabelRecord(2, "Plasma membrane", "pm"),
    LabelRecord(3, "Mito membrane", "mito-mem"),
    LabelRecord(4, "Mito lumen", "mito-lum"),
    LabelRecord(5, "Mito DNA", "mito-dna"),
    LabelRecord(6, "Golgi Membrane", "golgi-mem"),
    LabelRecord(7, "Golgi lumen", "golgi-lum"),
    LabelRecord(8, "Vesicle membrane", "vesicle-mem"),
    LabelRecord(9, "Vesicle lumen", "vesicle-lum"),
    LabelRecord(10, "MVB membrane", "endo-mem"),
    LabelRecord(11, "MVB lumen", "endo-lum"),
    LabelRecord(12, "Lysosome membrane", "lyso-mem"),
    LabelRecord(13, "Lysosome lumen", "lyso-lum"),
    LabelRecord(14, "LD membrane", "ld-mem"),
    LabelRecord(15, "LD lumen", "ld-lum"),
    LabelRecord(16, "ER membrane", "er-mem"),
    LabelRecord(17, "ER lumen", "er-lum"),
    LabelRecord(18, "ERES membrane", "eres-mem"),
    LabelRecord(19, "ERES lumen", "eres-lum"),
    LabelRecord(20, "NE membrane", "ne-mem"),
    LabelRecord(21, "NE lumen", "ne-lum"),
    LabelRecord(22, "Nuclear pore out", "np-out"),
    LabelRecord(23, "Nuclear pore in", "np-in"),
    LabelRecord(24, "Hchrom", "hchrom"),
    LabelRecord(25, "NHChrom", "nhchrom"),
    LabelRecord(26, "EChrom", "echrom"),
    LabelRecord(27, "NEChrom", "nechrom"),
    LabelRecord(28, "Nucleoplasm", "nucleoplasm"),
    LabelRecord(29, "Nucleolus", "nucleolus"),
    LabelRecord(30, "Microtubules out", "mt-out"),
    LabelRecord(31, "Centrosome", "cent"),
    LabelRecord(32, "Distal appendages", "cent-dapp"),
    LabelRecord(33, "Subdistal appendages", "cent-sdapp"),
    LabelRecord(34, "Ribosomes", "ribo"),
    LabelRecord(35, "Cytosol", "cytosol"),
    LabelRecord(36, "Microtubules in", "mt-in"),
    LabelRecord(37, "Nucleus combined", "nucleus"),
)
"""All 37, in the order of their numbers."""

LABEL_IDS = frozenset(one.id for one in LABELS)

CLASSES: Mapping[str, tuple[int, ...]] = {
    "ecs": (1,),
    "plasma_membrane": (2,),
    "mito": (3, 4, 5),
    "mito_membrane": (3,),
    "mito_DNA": (5,),
    "golgi": (6, 7),
    "golgi_membrane": (6,),
    "vesicle": (8, 9),
    "vesicle_membrane": (8,),
    "MVB": (10, 11),
    "MVB_membrane": (10,),
    "lysosome": (12, 13),
    "lysosome_membrane": (12,),
    "LD": (14, 15),
    "LD_membrane": (14,),
    "er": (16, 17, 18, 19, 20, 21, 22, 23),
    "er_membrane": (16, 18, 20),
    "ERES": (18, 19),
    "ERES_membrane": (18,),
    "nucleus": (20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 37),
    "nucleolus": (29,),
    "NE": (20, 21, 22, 23),
    "NE_membrane": (20, 22, 23),
    "nuclear_pore": (22, 23),
    "nuclear_pore_out": (22,),
    "chromatin": (24, 25, 26, 27),
    "NHChrom": (25,),
    "EChrom": (26,),
    "NEChrom": (27,),
    "microtubules": (30, 36),
    "microtubules_out": (30,),
    "centrosome": (31,),
    "distal_app": (32,),
    "subdistal_app": (33,),
    "ribosomes": (34,),
    "cytosol": (35,),
}
"""Name of a class, as the evaluations' `label` has it, to its labels."""

SHORT_NAMES: Mapping[str, str] = {
    "endo": "MVB",
    "lyso": "lysosome",
    "np": "nuclear_pore",
    "chrom": "chromatin",
    "mt": "microtubules",
}
"""Short name of an organelle class, where it is not the name of the class of labels but for case."""


def class_members() -> dict[str, tuple[int, ...]]:
    """Return the labels of each class, under its name and under its short name.

    >>> class_members()["endo"]
    (10, 11)
    """
    return {**CLASSES, **{short: CLASSES[name] for short, name in SHORT_NAMES.items()}}

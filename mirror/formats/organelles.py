"""The organelle classes of the COSEM project: their short names, what they mean, and how else they are spelt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Organelle:
    """One class of the annotations and predictions."""

    name: str
    """The short name, as `labels/<name>_pred` spells it."""
    title: str
    label: str | None = None
    """What the label lists of the paper's crops call it; None for classes that are no label of theirs."""
    aliases: tuple[str, ...] = ()
    """Other short names: those of the zarr ground truth (`er_mem` is found without) and of bucket B's."""


ORGANELLES = (
    Organelle("ecs", "extracellular space", "ECS"),
    Organelle("pm", "plasma membrane", "Plasma membrane", ("plasma-mem",)),
    Organelle("mito", "mitochondria"),
    Organelle("mito-mem", "mitochondria membrane", "Mito membrane"),
    Organelle("mito-lum", "mitochondria lumen", "Mito lumen"),
    Organelle("mito-dna", "mitochondrial DNA", "Mito DNA"),
    Organelle("mito-ribo", "mitochondrial ribosomes"),
    Organelle("golgi", "Golgi apparatus"),
    Organelle("golgi-mem", "Golgi membrane", "Golgi Membrane"),
    Organelle("golgi-lum", "Golgi lumen", "Golgi lumen"),
    Organelle("vesicle", "vesicles", aliases=("ves",)),
    Organelle("vesicle-mem", "vesicle membrane", "Vesicle membrane", ("ves-mem",)),
    Organelle("vesicle-lum", "vesicle lumen", "Vesicle lumen", ("ves-lum",)),
    Organelle("endo", "endosomes and multivesicular bodies", aliases=("mvb",)),
    Organelle("endo-mem", "endosome membrane", "MVB membrane", ("mvb-mem",)),
    Organelle("endo-lum", "endosome lumen", "MVB lumen", ("mvb-lum",)),
    Organelle("lyso", "lysosomes"),
    Organelle("lyso-mem", "lysosome membrane", "Lysosome membrane"),
    Organelle("lyso-lum", "lysosome lumen", "Lysosome lumen"),
    Organelle("ld", "lipid droplets"),
    Organelle("ld-mem", "lipid droplet membrane", "LD membrane"),
    Organelle("ld-lum", "lipid droplet lumen", "LD lumen"),
    Organelle("perox", "peroxisomes"),
    Organelle("perox-mem", "peroxisome membrane"),
    Organelle("perox-lum", "peroxisome lumen"),
    Organelle("er", "endoplasmic reticulum (ER)"),
    Organelle("er-mem", "ER membrane", "ER membrane"),
    Organelle("er-lum", "ER lumen", "ER lumen"),
    Organelle("er-mem-all", "membranes of ER, ER exit sites and nuclear envelope"),
    Organelle("eres", "ER exit sites"),
    Organelle("eres-mem", "ER exit site membrane", "ERES membrane"),
    Organelle("eres-lum", "ER exit site lumen", "ERES lumen"),
    Organelle("ne", "nuclear envelope"),
    Organelle("ne-mem", "nuclear envelope membrane", "NE membrane"),
    Organelle("ne-lum", "nuclear envelope lumen", "NE lumen"),
    Organelle("ne-mem-all", "membranes of nuclear envelope and nuclear pores"),
    Organelle("np", "nuclear pores"),
    Organelle("np-out", "nuclear pores, outside", "Nuclear pore out"),
    Organelle("np-in", "nuclear pores, inside", "Nuclear pore in"),
    Organelle("nucleus", "nucleus", "Nucleus combined", ("nuc",)),
    Organelle("nucleoplasm", "nucleoplasm", "Nucleoplasm", ("nucpl",)),
    Organelle("nucleolus", "nucleolus", "Nucleolus"),
    Organelle("chrom", "chromatin"),
    Organelle("hchrom", "heterochromatin", "Hchrom"),
    Organelle("nhchrom", "heterochromatin at the nucleolus", "NHChrom"),
    Organelle("echrom", "euchromatin", "EChrom"),
    Organelle("nechrom", "euchromatin at the nucleolus", "NEChrom"),
    Organelle("mt", "microtubules"),
    Organelle("mt-out", "microtubules, outside", "Microtubules out"),
    Organelle("mt-in", "microtubules, inside", "Microtubules in"),
    Organelle("cent", "centrosomes", "Centrosome", ("centrosome",)),
    Organelle("cent-dapp", "centrosome, distal appendages", "Distal appendages"),
    Organelle("cent-sdapp", "centrosome, subdistal appendages", "Subdistal appendages"),
    Organelle("ribo", "ribosomes", "Ribosomes", ("ribosomes",)),
    Organelle("cytosol", "cytosol", "Cytosol", ("cyto",)),
    Organelle("cell", "cells"),
)

_BY_NAME = {name: organelle for organelle in ORGANELLES for name in (organelle.name, *organelle.aliases)}
_BY_LABEL = {organelle.label.lower(): organelle for organelle in ORGANELLES if organelle.label is not None}


def find_organelle(name: str) -> Organelle | None:
    """Return the class that a short name spells, in any of its spellings, or None.

    >>> [find_organelle(name).name for name in ("er_mem", "ER membrane", "nuc", "ribosomes")]
    ['er-mem', 'er-mem', 'nucleus', 'ribo']
    """
    return _BY_NAME.get(
        name.lower().replace("_", "-").replace(" ", "-").replace("membrane", "mem").replace("lumen", "lum")
    )


def find_label(label: str) -> Organelle | None:
    """Return the class that the label lists of the crops call so, or None.

    >>> find_label("MVB membrane").name
    'endo-mem'
    """
    return _BY_LABEL.get(label.strip().lower())


def title_of(organelle_class: str) -> str:
    """Return the title of a class, or of two that touch (`er_golgi`); the name itself where it is not known.

    >>> title_of("er-mem"), title_of("er_mito"), title_of("yolk")
    ('ER membrane', 'endoplasmic reticulum (ER) with mitochondria', 'yolk')
    """
    known = find_organelle(organelle_class)
    if known is not None:
        return known.title
    parts = [find_organelle(part) for part in organelle_class.split("_")]
    titles = [part.title for part in parts if part is not None]
    return " with ".join(titles) if len(titles) == len(parts) else organelle_class

"""A sheet of pictures: panels side by side, a title above, a scale bar and a legend below; nothing overlaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mirror.view.colours import Colour

MARGIN = 12
LINE = 22
_FONT_PIXELS = 15
_SWATCH = 14
_LEAST_WIDTH = 360
_BAR_HEIGHT = 6
_WHITE, _INK, _FAINT = (255, 255, 255), (20, 20, 20), (95, 95, 95)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is drawn."""

    title: str
    panels: Sequence[NDArray[np.uint8]]
    """Pixels of equal shape, as rows, columns and red, green, blue."""
    captions: Sequence[str]
    """One a panel."""
    notes: Sequence[str] = ()
    """Lines below."""
    nm_per_pixel: float | None = None
    """Along the columns; None draws no scale bar."""
    legend: Sequence[tuple[str, Colour]] = field(default=())


def draw(sheet: Sheet) -> Image.Image:
    """Return the picture: panels as they are, words and bar around them."""
    height, width = sheet.panels[0].shape[:2]
    total = max(_LEAST_WIDTH, len(sheet.panels) * (width + MARGIN) + MARGIN)
    title, notes = _wrapped(sheet.title, total), [line for note in sheet.notes for line in _wrapped(note, total)]
    legend = _rows(sheet.legend, total)
    n_bars = sheet.nm_per_pixel is not None
    top = MARGIN + len(title) * LINE
    bottom = top + LINE + height
    lines_below = n_bars + len(notes) + len(legend)
    image = Image.new("RGB", (total, bottom + MARGIN + lines_below * LINE + (MARGIN if lines_below else 0)), _WHITE)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(title):
        pen.text((MARGIN, MARGIN + number * LINE), line, fill=_INK, font=_font())
    for number, (panel, caption) in enumerate(zip(sheet.panels, sheet.captions, strict=True)):
        left = MARGIN + number * (width + MARGIN)
        pen.text((left, top), _fitting(caption, width), fill=_FAINT, font=_font())
        image.paste(Image.fromarray(panel), (left, top + LINE))
    y = bottom + MARGIN
    if sheet.nm_per_pixel is not None:
        _draw_bar(pen, y, width, sheet.nm_per_pixel)
        y += LINE
    for row in legend:
        _draw_row(pen, y, row)
        y += LINE
    for line in notes:
        pen.text((MARGIN, y), line, fill=_FAINT, font=_font())
        y += LINE
    return image


def png_of(image: Image.Image) -> bytes:
    """Return a picture as a PNG file."""
    data = BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def bar_nm(width: int, nm_per_pixel: float) -> float:
    """Return the length of the scale bar: 1, 2 or 5 times a power of ten, up to a third of the panel.

    >>> bar_nm(520, 1.0), bar_nm(520, 1.31), bar_nm(100, 0.02)
    (100.0, 200.0, 0.5)
    """
    most = width * nm_per_pixel / 3
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1, 2, 5) if step * power <= most)


def text_width(text: str) -> int:
    """Return the pixels that a line of words takes."""
    pixels: float = _font().getlength(_plain(text))
    return math.ceil(pixels)


@cache
def _font() -> Any:
    # Pillow's own: the same on every machine, whatever fonts are installed.
    return ImageFont.load_default(_FONT_PIXELS)


def _plain(text: str) -> str:
    """Return the text with what Pillow's own font has no letter for replaced."""
    return text.encode("ascii", "replace").decode("ascii")


def _wrapped(text: str, total: int) -> list[str]:
    lines: list[str] = []
    for word in _plain(text).split():
        if lines and text_width(f"{lines[-1]} {word}") <= total - 2 * MARGIN:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _fitting(text: str, width: int) -> str:
    text = _plain(text)
    while text and text_width(text) > width:
        text = text[:-1]
    return text


def _draw_bar(pen: ImageDraw.ImageDraw, y: int, width: int, nm_per_pixel: float) -> None:
    length = bar_nm(width, nm_per_pixel)
    right = MARGIN + round(length / nm_per_pixel)
    middle = y + (LINE - _BAR_HEIGHT) // 2
    pen.rectangle((MARGIN, middle, right, middle + _BAR_HEIGHT - 1), fill=_INK)
    pen.text((right + MARGIN // 2, y), f"{length:g} nm", fill=_INK, font=_font())


def _rows(legend: Sequence[tuple[str, Colour]], total: int) -> list[list[tuple[int, str, Colour]]]:
    """Return the entries of each line of the legend, with where each begins."""
    rows: list[list[tuple[int, str, Colour]]] = []
    right = total
    for name, colour in legend:
        words = _fitting(name, total - 2 * MARGIN - _SWATCH - 6)
        wide = _SWATCH + 6 + text_width(words) + MARGIN
        if right + wide > total:
            rows.append([])
            right = MARGIN
        rows[-1].append((right, words, colour))
        right += wide
    return rows


def _draw_row(pen: ImageDraw.ImageDraw, y: int, row: Sequence[tuple[int, str, Colour]]) -> None:
    top = y + (LINE - _SWATCH) // 2
    for left, words, colour in row:
        pen.rectangle((left, top, left + _SWATCH - 1, top + _SWATCH - 1), fill=colour, outline=_FAINT)
        pen.text((left + _SWATCH + 6, y), words, fill=_INK, font=_font())

"""A sheet to draw a card on: crisp text, smooth lines, two pixels to the point."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from PIL import Image, ImageColor, ImageDraw, ImageFont

SCALE = 2
SMOOTH = 2  # lines are drawn this much larger and scaled down
PAPER = "#ffffff"
INK = "#1f2328"
MUTED = "#656d76"
GRID = "#e9ebee"
FRAME = "#d8dce1"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#a8578a", "#b37a00", "#3a8fc4", "#6b6b6b")

Point = tuple[float, float]

_REGULAR = (
    "LiberationSans-Regular.ttf",
    "Arial.ttf",
    "arial.ttf",
    "Helvetica.ttc",
    "DejaVuSans.ttf",
)
_BOLD = (
    "LiberationSans-Bold.ttf",
    "Arial Bold.ttf",
    "arialbd.ttf",
    "HelveticaNeue.ttc",
    "DejaVuSans-Bold.ttf",
)
_SIMPLE = str.maketrans({"→": ">", "·": "|", "×": "x", "−": "-", "–": "-", "…": "...", "∞": "inf"})


@lru_cache(maxsize=32)
def _font(size: float, bold: bool) -> tuple[Any, bool]:
    """Return a font, and whether it has the signs that a card uses."""
    for name in _BOLD if bold else _REGULAR:
        try:
            return ImageFont.truetype(name, round(size * SCALE)), True
        except OSError:
            continue
    return ImageFont.load_default(size * SCALE), False


def _parts(colour: str) -> tuple[int, ...]:
    return ImageColor.getrgb(colour)[:3]


def blend(colour: str, share: float) -> str:
    """Return a colour on white paper with this opacity."""
    parts = (round(255 + (part - 255) * share) for part in _parts(colour))
    return "#" + "".join(f"{part:02x}" for part in parts)


class Canvas:
    """A white card of a given width; all sizes are in CSS pixels."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.height = 0
        self._image = Image.new("RGB", (width * SCALE, 1400 * SCALE), PAPER)
        self._draw = ImageDraw.Draw(self._image)
        self._used = {INK, MUTED}

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        colour: str = INK,
        bold: bool = False,
        right: bool = False,
        centre: bool = False,
    ) -> None:
        """Write a line of text with its upper left (or upper right, or middle) corner at x, y."""
        font, complete = _font(size, bold)
        anchor = "ra" if right else "ma" if centre else "la"
        written = text if complete else text.translate(_SIMPLE)
        self._used.add(colour)
        self._draw.text((x * SCALE, y * SCALE), written, fill=colour, font=font, anchor=anchor)

    def width_of(self, text: str, size: float, *, bold: bool = False) -> float:
        """Return how wide a line of text is."""
        font, complete = _font(size, bold)
        width: float = font.getlength(text if complete else text.translate(_SIMPLE))
        return width / SCALE

    def shortened(self, text: str, width: float, size: float, *, bold: bool = False) -> str:
        """Return the text, cut with dots where it is wider than ``width``."""
        if self.width_of(text, size, bold=bold) <= width:
            return text

        def needed(letters: int) -> float:
            return self.width_of(text[:letters] + "…", size, bold=bold)

        return text[: max(0, bisect_right(range(len(text)), width, key=needed) - 1)] + "…"

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Fill a rectangle."""
        corners = (x, y, x + width, y + height)
        self._used.add(colour)
        self._draw.rectangle([round(c * SCALE) for c in corners], fill=colour)

    def badge(self, x: float, y: float, text: str, colour: str) -> None:
        """Draw a word in a rounded box, with a dot before it."""
        width = self.width_of(text, 11.5) + 30
        layer = Image.new("RGB", (round(width * 4), 76), PAPER)
        draw = ImageDraw.Draw(layer)
        draw.rounded_rectangle((0, 0, layer.width - 1, 75), 37, fill=blend(colour, 0.11))
        draw.ellipse((32, 26, 56, 50), fill=colour)
        self._used |= {colour, blend(colour, 0.11)}
        self._paste(layer, x, y)
        self.text(x + 20, y + 2.5, text, size=11.5, colour=colour)

    def sample(self, x: float, y: float, colour: str, dash: Sequence[float]) -> None:
        """Draw a short piece of a line, for a legend."""
        layer = Sheet(18, 4, PAPER)
        layer.line([(0, 2), (18, 2)], colour, 2, dash)
        self.paste(layer, x, y - 2)

    def paste(self, sheet: Sheet, x: float, y: float) -> None:
        """Put a sheet with its upper left corner at x, y."""
        self._used |= sheet.used
        self._paste(sheet.image, x, y)

    def _paste(self, layer: Any, x: float, y: float) -> None:
        size = (layer.width // SMOOTH, layer.height // SMOOTH)
        small = layer.resize(size, Image.Resampling.BOX)
        self._image.paste(small, (round(x * SCALE), round(y * SCALE)))

    def finish(self, height: float) -> None:
        """Cut the card to its height and frame it."""
        self.height = round(height)
        self._image = self._image.crop((0, 0, self.width * SCALE, self.height * SCALE))
        frame = (0, 0, self._image.width - 1, self._image.height - 1)
        ImageDraw.Draw(self._image).rounded_rectangle(frame, 14, outline=FRAME, width=2)

    def png(self, coarser: int = 1) -> bytes:
        """Return the card as a PNG whose palette is the colours used, and their edges.

        ``coarser`` is by how much its width and height have fewer pixels.
        """
        entries = {PAPER: None, FRAME: None}
        for share in (1.0, 0.65, 0.3):
            entries |= dict.fromkeys(blend(colour, share) for colour in sorted(self._used))
        # a colour next to white would stand in for the paper
        entries = {entry: None for entry in entries if entry == PAPER or min(_parts(entry)) < 244}
        palette = Image.new("P", (1, 1))
        chosen = [part for entry in list(entries)[:256] for part in _parts(entry)]
        palette.putpalette(chosen)
        drawn = self._image if coarser == 1 else self._image.reduce(coarser)
        image = drawn.quantize(palette=palette, dither=Image.Dither.NONE)
        stream = io.BytesIO()
        image.save(stream, "PNG", optimize=True)
        return stream.getvalue()


class Sheet:
    """A piece of the card where lines are smooth."""

    def __init__(self, width: float, height: float, paper: str = PAPER) -> None:
        self._zoom = SCALE * SMOOTH
        size = (round(width * self._zoom), round(height * self._zoom))
        self.image = Image.new("RGB", size, paper)
        self._draw = ImageDraw.Draw(self.image)
        self.used: set[str] = set()

    def line(
        self, points: Sequence[Point], colour: str, width: float, dash: Sequence[float] = ()
    ) -> None:
        """Draw a polyline."""
        scaled = [(x * self._zoom, y * self._zoom) for x, y in points]
        thick = max(1, round(width * self._zoom))
        self.used.add(colour)
        pieces = _dashes(scaled, [d * self._zoom for d in dash]) if dash else [scaled]
        for piece in pieces:
            if len(piece) > 1:
                self._draw.line(piece, fill=colour, width=thick, joint="curve")

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        """Draw a filled circle."""
        self.used.add(colour)
        x, y, radius = x * self._zoom, y * self._zoom, radius * self._zoom
        self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def cross(self, x: float, y: float, radius: float, colour: str) -> None:
        """Draw an x."""
        for sign in (1, -1):
            ends = [(x - radius, y - sign * radius), (x + radius, y + sign * radius)]
            self.line(ends, colour, 1.5)


def _dashes(points: Sequence[Point], pattern: Sequence[float]) -> list[list[Point]]:
    """Cut a polyline into the pieces of a dash pattern (line, gap, line, gap, ...)."""
    pieces: list[list[Point]] = []
    at, left, drawing = 0, pattern[0], True
    piece: list[Point] = [points[0]] if points else []
    for (x0, y0), (x1, y1) in pairwise(points):
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        done = 0.0
        while length - done > left:
            done += left
            corner = (x0 + (x1 - x0) * done / length, y0 + (y1 - y0) * done / length)
            if drawing:
                pieces.append([*piece, corner])
            drawing = not drawing
            at = (at + 1) % len(pattern)
            left = pattern[at]
            piece = [corner]
        left -= length - done
        piece.append((x1, y1))
    if drawing and len(piece) > 1:
        pieces.append(piece)
    return pieces

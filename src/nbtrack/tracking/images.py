"""Images of a run: single pictures, and series of them by key and step."""

from __future__ import annotations

import io
import os
import re
import time
import uuid
import warnings
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from nbtrack.errors import InvalidParameterError, NbtrackWarning
from nbtrack.tracking.artifacts import Target
from nbtrack.validation import check_step, check_timestamp

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image

THUMBNAIL = 256
_KEY = re.compile(r"^[a-zA-Z0-9_\-./ ]+$")


class Image:
    """A picture that can be logged, also as a cell of a table.

    Parameters
    ----------
    image : numpy.ndarray or PIL.Image.Image or path or list or tensor
        Arrays are H x W or H x W x C with 1, 3 or 4 channels; a tensor of PyTorch
        may also be C x H x W, and is that where both would do. Integers are 0 to 255, or to
        65535 as uint16; floats are 0 to 1, booleans black and white.

    Raises
    ------
    InvalidParameterError
        If the shape, the type or the range of the values is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> image = nbtrack.Image(np.zeros((300, 600, 3), dtype=np.uint8))
    >>> image.size, image.thumbnail().size, image.resize((60, 30)).size
    ((600, 300), (256, 128), (60, 30))
    >>> image.save("black.png")
    >>> image.encode(".png")[1:4]
    b'PNG'
    >>> image.to_array().shape, len(image.to_list()), image.to_pil().mode
    ((300, 600, 3), 300, 'RGB')
    >>> with nbtrack.start_run():
    ...     nbtrack.log_image(image, "black.png")
    """

    def __init__(self, image: Any) -> None:
        import PIL.Image

        if isinstance(image, Image):
            self._image: PIL.Image.Image = image.to_pil()
        elif isinstance(image, PIL.Image.Image):
            self._image = image
        elif isinstance(image, str | os.PathLike):
            with PIL.Image.open(image) as opened:
                self._image = opened.copy()
        else:
            self._image = PIL.Image.fromarray(to_pixels(image))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._image.size

    def to_pil(self) -> PIL.Image.Image:
        """Return the picture as an image of Pillow."""
        return self._image

    def to_array(self) -> np.ndarray[Any, Any]:
        """Return the pixels as an array, H x W or H x W x C."""
        import numpy as np

        return np.array(self._image)

    def to_list(self) -> list[Any]:
        """Return the pixels as nested lists."""
        pixels: list[Any] = self.to_array().tolist()
        return pixels

    def resize(self, size: tuple[int, int]) -> Image:
        """Return the picture with another width and height.

        Parameters
        ----------
        size : tuple of int
            Width and height in pixels.
        """
        return Image(self._image.resize(size))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file, in the format that its name says.

        Parameters
        ----------
        path : str or path
            The file.
        """
        self._image.save(path)

    def encode(self, suffix: str) -> bytes:
        """Return the picture as a file of this kind, such as ``".png"``.

        Parameters
        ----------
        suffix : str
            The ending of a file of this kind.

        Raises
        ------
        InvalidParameterError
            If Pillow knows no such format.
        """
        import PIL.Image

        PIL.Image.init()
        kind = PIL.Image.EXTENSION.get(suffix.lower())
        if kind is None or kind not in PIL.Image.SAVE:
            raise InvalidParameterError(
                f"Pictures cannot be written as {suffix or 'a file without extension'!r}. "
                "Use a name that ends with .png, .jpg or .webp."
            )
        picture = self._image
        if kind != "TIFF" and not (kind == "JPEG" and picture.mode == "CMYK"):
            picture = to_plain_mode(picture, deep=kind == "PNG")
        if kind == "JPEG" and picture.mode not in ("L", "RGB", "CMYK"):
            picture = picture.convert("RGB")
        elif kind == "BMP" and picture.mode == "LA":
            picture = picture.convert("RGBA")
        elif kind == "WEBP" and picture.mode not in ("RGB", "RGBA"):
            picture = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
        buffer = io.BytesIO()
        picture.save(buffer, format=kind)
        return buffer.getvalue()

    def thumbnail(self) -> Image:
        """Return the picture with its longer side at most 256 pixels long."""
        width, height = self._image.size
        scale = THUMBNAIL / max(width, height)
        if scale >= 1:
            return self
        return self.resize((max(1, round(width * scale)), max(1, round(height * scale))))

    def _repr_png_(self) -> bytes:
        return self.encode(".png")


def to_pixels(image: Any) -> np.ndarray[Any, Any]:
    """Return an array, a list or a tensor as pixels, H x W or H x W x (3 or 4).

    They have 8 bits; gray ones of 16 bits stay so.

    Raises
    ------
    InvalidParameterError
        If the shape, the type or the range of the values is not that of a picture.
    """
    import numpy as np

    tensor = hasattr(image, "detach")
    if tensor:
        image = image.detach().cpu()
        image = (image.float() if "bfloat16" in str(image.dtype) else image).numpy()
    array = np.asarray(image)
    if tensor and array.ndim == 3 and (array.shape[0] in (1, 3) or array.shape[2] not in (1, 3, 4)):
        array = array.transpose(1, 2, 0)
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise InvalidParameterError(
            f"A picture has the shape H x W or H x W x C; got {array.shape}. "
            "Log one picture of a batch at a time."
        )
    if array.ndim == 3 and array.shape[2] not in (1, 3, 4):
        raise InvalidParameterError(
            f"A picture has 1, 3 or 4 channels in its last dimension; got {array.shape[2]} "
            f"(shape {array.shape})."
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    return np.ascontiguousarray(_to_bytes(array))


def to_plain_mode(picture: PIL.Image.Image, *, deep: bool) -> PIL.Image.Image:
    """Return a picture in a mode that its files have: gray, RGB or palette, with alpha or not.

    Parameters
    ----------
    picture : PIL.Image.Image
        Of any mode, such as CMYK, LAB or F.
    deep : bool
        Whether gray pixels may have 16 bits.
    """
    import numpy as np
    import PIL.Image

    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        array = np.asarray(picture)
        if mode == "F":  # Pillow makes it of 0 to 255, others of 0 to 1
            whole = array.max() > 1 and array.min() >= 0 and array.max() <= 255
            array = np.rint(array).astype(np.uint8) if whole else array
        elif array.min() >= 0 and array.max() <= 65535:
            array = array.astype(np.uint16)
            if array.max() > 255 and not deep:
                array = (array >> 8).astype(np.uint8)
        else:
            array = array.astype(np.float64)
        return PIL.Image.fromarray(np.ascontiguousarray(_to_bytes(array)))
    if mode == "LAB":
        from PIL import ImageCms

        lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(picture, lab, rgb, outputMode="RGB")
        return picture if converted is None else converted
    if mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        return picture
    return picture.convert({"La": "LA", "PA": "RGBA", "RGBa": "RGBA"}.get(mode, "RGB"))


def log_image(
    target: Target,
    image: Any,
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: int | None = None,
) -> None:
    """Store a picture as a file, or as one step of the series ``key``.

    Parameters
    ----------
    image : numpy.ndarray or PIL.Image.Image or Image or tensor
        What ``Image`` takes.
    artifact_file : str, optional
        Its name; the extension says the format.
    key, step, timestamp : str, int, int, optional
        Instead of a name: the series, where the picture stands in it (0) and when it
        was made, in milliseconds (now). A PNG and a small WebP are stored.

    Raises
    ------
    InvalidParameterError
        If not exactly one of ``artifact_file`` and ``key`` is given, or the picture
        is none.
    """
    picture = image if isinstance(image, Image) else Image(image)
    if artifact_file is not None:
        if key is not None or step is not None or timestamp is not None:
            raise InvalidParameterError(
                "The parameter 'artifact_file' stands alone: log_image takes either "
                "artifact_file, or key with step and timestamp."
            )
        suffix = PurePosixPath(artifact_file).suffix
        target.artifacts.put_bytes(artifact_file, picture.encode(suffix))
        return
    if key is None:
        raise InvalidParameterError(
            "Please specify exactly one of 'artifact_file' (a single picture) and 'key' "
            "(a series of pictures, by step)."
        )
    name = series_name(key, check_step(step), _milliseconds(timestamp))
    target.artifacts.put_bytes(f"{name}.png", picture.encode(".png"))
    target.artifacts.put_bytes(f"{name}+compressed.webp", picture.thumbnail().encode(".webp"))
    if target.tags().get("mlflow.loggedImages") != "True":
        target.set_tag("mlflow.loggedImages", "True")


def series_name(key: str, step: int, timestamp: int) -> str:
    """Return the path of one picture of a series, without extension.

    MLflow's naming: ``images/<key>+step+<n>+timestamp+<ms>+<uuid>``, with ``~`` for
    the slashes of the key.
    """
    if not _KEY.match(key):
        raise InvalidParameterError(
            f"Invalid image key {key!r}: it may only contain alphanumerics, underscores (_), "
            "dashes (-), periods (.), spaces ( ) and slashes (/)."
        )
    safe = key.replace("/", "~")
    return f"images/{safe}+step+{step}+timestamp+{timestamp}+{uuid.uuid4()}"


def _milliseconds(timestamp: int | None) -> int:
    return time.time_ns() // 1_000_000 if timestamp is None else check_timestamp(timestamp)


def _to_bytes(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    kind = array.dtype.kind
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16 and array.max() > 255:
        return array if array.ndim == 2 else (array >> 8).astype(np.uint8)
    if kind in "iu":
        if array.min() < 0 or array.max() > 255:
            raise InvalidParameterError(
                f"Integer pixels must be 0 to 255; got {array.min()} to {array.max()}."
            )
        return array.astype(np.uint8)
    if kind != "f":
        raise InvalidParameterError(
            f"Pixels are booleans, integers or floats; got the type {array.dtype}."
        )
    finite = np.where(np.isfinite(array), array, 0).astype(np.float64)
    low, high = float(finite.min()), float(finite.max())
    if low < 0 or high > 1:
        warnings.warn(
            f"Float pixels must be 0 to 1; got {low:g} to {high:g}, which was rescaled.",
            NbtrackWarning,
            stacklevel=5,
        )
        # of one value there is nothing to rescale: it is a color of 0 to 255
        spread = high - low
        finite = (finite - low) / spread if spread else np.clip(finite / 255, 0, 1)
    return np.rint(finite * 255).astype(np.uint8)

"""Objects as data: what a model is, without pickle.

``serialize`` turns an object into a tree of plain JSON values, arrays, and the Python source of
what it uses and no installed package has: classes and functions of notebook cells, with the
helpers, constants and imports that these need, and modules of the user's own. ``deserialize`` makes
the object again, in a process that has none of it.

An object is reduced as pickle does it, by ``__reduce_ex__`` and ``__getstate__``, so what can be
copied can be serialized. The result is text that can be read and checked: it names every function
that ``deserialize`` will call. Without consent only names on an allowlist are used, see
``allowed_names``.
"""

from __future__ import annotations

from nbtrack.models.objects.checking import serialize, serialize_and_rebuild
from nbtrack.models.objects.deserialize import check_consent, deserialize
from nbtrack.models.objects.safety import code_in
from nbtrack.models.objects.serializer import SerializedObject

__all__ = [
    "SerializedObject",
    "check_consent",
    "code_in",
    "deserialize",
    "serialize",
    "serialize_and_rebuild",
]

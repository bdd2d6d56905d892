"""Objects as data: what a model is, without pickle.

``freeze`` takes an object apart into a tree of plain JSON values, arrays, and the
Python source of what it uses and no installed package has: classes and functions of
notebook cells, with the helpers, constants and imports that these need, and modules
of the user's own. ``thaw`` puts it together again, in a process that has none of it.

The object is taken apart as pickle would, by ``__reduce_ex__`` and ``__getstate__``,
so what can be copied can be frozen. What is written is text that can be read and
checked: it names every function that thawing will call. Without consent only names are read
that are known word for word, see ``known_names``.
"""

from __future__ import annotations

from nbtrack.models.objects.freezing import Frozen, freeze
from nbtrack.models.objects.safety import code_in
from nbtrack.models.objects.thawing import check_consent, thaw

__all__ = ["Frozen", "check_consent", "code_in", "freeze", "thaw"]

"""Names for runs that nobody named: pleasant, readable, and nothing to do with seeds."""

from __future__ import annotations

import os

_ADJECTIVES = (
    "able agile airy amber ample apt azure balmy bold brave breezy bright brisk bubbly calm "
    "candid cheery chipper civil classy clear clever cosy crimson crisp curious dapper daring "
    "deft dewy eager early earnest easy elegant fair fancy fearless festive fine fleet fluffy "
    "fond frank fresh gentle giddy gifted glad gleaming golden graceful grand happy hardy hazel "
    "honest humble ivory jaunty jolly jovial keen kind lavish light lively loyal lucid lucky "
    "mellow merry mighty mild modest neat nimble noble olive patient peachy placid plucky polite "
    "proud quick quiet rosy royal rustic serene sleek smooth snappy snug spry stately steady "
    "sunny swift tidy vivid warm wise witty zesty"
)
_NOUNS = (
    "acorn alder apricot aspen badger bamboo basil beaver birch bison breeze brook canyon cedar "
    "cherry clover comet coral cove crane creek cricket cypress dahlia daisy delta dolphin dove "
    "dune eagle egret elm ember falcon fern finch fjord forest fox gazelle geyser ginger glacier "
    "grove harbor hare harvest hawk hazelnut heron hill ibis iris island ivy jasmine juniper "
    "kestrel kiwi lagoon lake lark lemur lilac lily linden lotus lynx magpie mango maple marten "
    "meadow mesa mint moon moss moth nebula oak oasis opal orchid oriole osprey otter owl panda "
    "pebble pelican pine planet plum poppy puffin quail quartz rain raven reef ridge river robin "
    "saffron sage salmon seal sequoia sparrow spruce star stork swan thistle tide trout tulip "
    "valley violet walnut willow wren"
)
ADJECTIVES = tuple(_ADJECTIVES.split())
NOUNS = tuple(_NOUNS.split())


def random_name() -> str:
    """Return a name such as ``gentle-otter-417``.

    The randomness is the system's: seeding ``random`` or NumPy for training neither
    repeats names nor is disturbed by them.
    """
    chance = int.from_bytes(os.urandom(8), "big")
    chance, number = divmod(chance, 1000)
    chance, noun = divmod(chance, len(NOUNS))
    adjective = chance % len(ADJECTIVES)
    return f"{ADJECTIVES[adjective]}-{NOUNS[noun]}-{number}"

"""Random names: readable, pleasant to type, and apart from any seed."""

from __future__ import annotations

import random
import re

import numpy as np

from nbtrack.tracking.random_names import ADJECTIVES, NOUNS, random_name


def test_a_name_is_an_adjective_a_noun_and_a_number() -> None:
    adjective, noun, number = random_name().split("-")
    assert adjective in ADJECTIVES
    assert noun in NOUNS
    assert 0 <= int(number) < 1000


def test_the_words_are_many_short_and_different() -> None:
    words = ADJECTIVES + NOUNS
    assert len(set(words)) == len(words)
    assert min(len(ADJECTIVES), len(NOUNS)) >= 100
    assert all(re.fullmatch("[a-z]{2,8}", word) for word in words)


def test_seeding_does_not_repeat_names() -> None:
    names = set()
    for _ in range(20):
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 - what users do
        names.add(random_name())
    assert len(names) > 15


def test_naming_does_not_disturb_the_random_numbers_of_training() -> None:
    random.seed(1)
    expected = random.random()
    random.seed(1)
    random_name()
    assert random.random() == expected


def test_every_word_comes_up() -> None:
    names = [random_name().split("-") for _ in range(5000)]
    assert {name[0] for name in names} == set(ADJECTIVES)
    assert {name[1] for name in names} == set(NOUNS)

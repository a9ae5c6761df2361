"""Patterns that `re` and RE2 read alike: literals, classes, repetition, choice, anchors."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from tests.rules.oracle.tokens import WORDS

LITERALS = st.sampled_from([*(re.escape(word) for word in WORDS), "a", "l", "e", "i", "<", "-"])
CLASSES = st.sampled_from(
    ("[a-z]", "[^a-z]", "[0-9]", "[A-Z]", "[éèα-ω]", r"\d", r"\w", r"\s", ".")
)
atoms = st.one_of(LITERALS, CLASSES)
grouped = st.one_of(
    atoms,
    st.lists(atoms, min_size=1, max_size=2).map(lambda some: "(" + "|".join(some) + ")"),
    st.lists(atoms, min_size=1, max_size=2).map(lambda some: "(?:" + "".join(some) + ")"),
)
repeated = st.one_of(
    grouped,
    st.tuples(
        st.one_of(CLASSES, atoms.map(lambda one: f"(?:{one})")),
        st.sampled_from(("?", "*", "+", "{1,2}", "{2}", "+?", "*?")),
    ).map("".join),
)
bodies = st.lists(repeated, min_size=1, max_size=3).map("".join)
patterns = st.tuples(
    st.sampled_from(("", "", "(?i)")),
    st.sampled_from(("", "", "^", r"\b")),
    bodies,
    st.sampled_from(("", "", "$", r"\b")),
).map("".join)

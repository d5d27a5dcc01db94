from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ret_auth.names import checked_name, name_key
from ret_kit.errors import Invalid


@pytest.mark.parametrize(
    "one,other",
    [
        ("Admin", "aDMIN"),
        ("\uff4d\uff41\uff52\uff49\uff41", "maria"),
        ("STRASSE", "straße"),
        ("ﬁnance", "FINANCE"),
        ("Zu\u0308rich", "zürich"),
    ],
)
def test_names_that_look_alike_are_the_same(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@given(st.text(max_size=40))
def test_comparing_twice_changes_nothing(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)


@pytest.mark.parametrize(
    "name",
    ["", "two words", "line\nbreak", "tab\t", "\u200binvisible", "nul\0", "non\u00a0breaking", "x" * 101, "\ud800"],
)
def test_names_that_cannot_be_told_apart_or_typed_are_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_name(name)
    assert refused.value.field == "username"


@pytest.mark.parametrize("name", ["a", "maria.fernandez@example.com", "Jürgen", "山田", "x" * 100])
def test_ordinary_names_are_kept_as_they_are(name: str) -> None:
    assert checked_name(name) == name

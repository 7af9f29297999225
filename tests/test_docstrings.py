"""Docstrings, as they stand in the source."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vapitools import _docstrings
from vapitools._docstrings import Docstring


def google() -> None:
    """Find a table.

    Ask for the day first,
    then for the rest.

    Args:
        day: The day, such as
            2026-12-24: it must be one to come.
        size (int, optional): How many come.

    Returns:
        What is free.

    Raises:
        ValueError: Never.
    """


def numpy() -> None:
    """Find a table.

    Parameters
    ----------
    day : date
        The day.
    left, right : int
        The sides.

    Returns
    -------
    list
        What is free.
    """


def rest() -> None:
    """Find a table.

    :param day: The day.
    :param int size: How many come.
    :type day: date
    :returns: What is free.
    """


def epydoc() -> None:
    """Find a table.

    @param day: The day.
    @type day: date
    @return: What is free.
    """


def opens_on_the_first_line() -> None:
    """Args:
        day: The day.
        size: How many
            come.

    Returns:
        What is free.
    """  # fmt: skip


def opens_and_ends_with_parameters() -> None:
    """Args:
        day: The day.
    """  # fmt: skip


def opens_on_the_second_line() -> None:
    """
    Args:
        day: The day.
    """


def more_sections() -> None:
    """Find a table.

    Args:
        day: The day.

    Keyword Args:
        size: How many come.

    Other Parameters:
        name: Who comes.

    Note:
        Never on Mondays.
    """


def starred() -> None:
    """Find a table.

    Args:
        *days: The days.
        **more: The rest.
        left, right: The sides.
    """


def plain() -> None:
    """Find a table: it is easy.

    Time is
    :15 past.
    """


def half_written() -> None:
    """Find a table.

    Args:
        day
    """


def undescribed() -> None:
    """Find a table.

    :param day:
    """


READ: list[tuple[Any, str, dict[str, str]]] = [
    (
        google,
        "Find a table.\nAsk for the day first, then for the rest.",
        {"day": "The day, such as 2026-12-24: it must be one to come.", "size": "How many come."},
    ),
    (
        numpy,
        "Find a table.",
        {"day": "The day.", "left": "The sides.", "right": "The sides."},
    ),
    (rest, "Find a table.", {"day": "The day.", "size": "How many come."}),
    (epydoc, "Find a table.", {"day": "The day."}),
    (opens_on_the_first_line, "", {"day": "The day.", "size": "How many come."}),
    (opens_and_ends_with_parameters, "", {"day": "The day."}),
    (opens_on_the_second_line, "", {"day": "The day."}),
    (
        more_sections,
        "Find a table.",
        {"day": "The day.", "size": "How many come.", "name": "Who comes."},
    ),
    (
        starred,
        "Find a table.",
        {"days": "The days.", "more": "The rest.", "left": "The sides.", "right": "The sides."},
    ),
    (plain, "Find a table: it is easy.\nTime is :15 past.", {}),
    (half_written, "Find a table.", {}),
    (undescribed, "Find a table.", {}),
]


@pytest.mark.parametrize(
    ("function", "text", "parameters"), READ, ids=[case[0].__name__ for case in READ]
)
def test_a_docstring_gives_a_text_and_the_parameters(
    function: Any, text: str, parameters: dict[str, str]
) -> None:
    parsed = _docstrings.parse(function.__doc__)

    assert parsed.parameters == parameters
    assert parsed.text.startswith(text)
    assert "Args" not in parsed.text


@pytest.mark.parametrize("raw", [None, "", " \n "], ids=["none", "empty", "blank"])
def test_no_docstring_says_nothing(raw: str | None) -> None:
    assert _docstrings.parse(raw) == Docstring("", {})


lines = st.sampled_from(
    """Args:|Parameters|----------|:param x: y|:param|@param x: y|x: y|*a: b|Returns:|    |  |:|a|
    b (int): c|Raises:|x : int|:type x:|Example:|Keyword Args:|See Also|(|\t|  - q|x, y : int|\n"""
    .split("|")
)  # fmt: skip


@given(st.lists(lines, max_size=8).map("\n".join) | st.text(max_size=40))
def test_whatever_stands_in_a_docstring_does_no_harm(raw: str) -> None:
    parsed = _docstrings.parse(raw)

    assert isinstance(parsed.text, str)
    assert all(parsed.parameters.values())

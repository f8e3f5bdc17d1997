from __future__ import annotations

import pytest

from frontier.errors import InputError
from frontier.spaces._yaml import MAX_BYTES, read


def value(text: str) -> object:
    data = read(f"key: {text}\n".encode(), "x.yaml").data
    assert isinstance(data, dict)
    return data["key"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        (".5", 0.5),
        ("2.", 2.0),
        ("-.inf", float("-inf")),
        ("12", 12),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1_000", 1000),
        ("-7", -7),
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("off", "off"),
        ("y", "y"),
        ("null", None),
        ("~", None),
        ("", None),
        ("2026-01-01", "2026-01-01"),
        ("1:30", "1:30"),
        ("5%", "5%"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("9" * 5000, "9" * 5000),
        ("[0, 100%]", [0, "100%"]),
    ],
)
def test_scalar_is_what_a_person_means(text: str, expected: object) -> None:
    got = value(text)
    assert got == expected
    assert type(got) is type(expected)


def test_keys_are_text_and_never_booleans() -> None:
    assert read(b"on: 1\n1: 2\nnull: 3\n", "x.yaml").data == {"on": 1, "1": 2, "null": 3}


def test_every_key_and_item_has_its_line() -> None:
    document = read(b"# head\na:\n  b: 1\n  c:\n    - x\n    - y\n", "x.yaml")
    assert document.lines == {(): 2, ("a",): 2, ("a", "b"): 3, ("a", "c"): 4, ("a", "c", 0): 5, ("a", "c", 1): 6}


def test_alias_repeats_its_anchor() -> None:
    assert read(b"a: &x {n: 1}\nb: *x\n", "x.yaml").data == {"a": {"n": 1}, "b": {"n": 1}}


def test_byte_order_mark_is_skipped() -> None:
    assert read(b"\xef\xbb\xbfa: 1\n", "x.yaml").data == {"a": 1}


BOMB = b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n".encode() for i in range(1, 9)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: 2\na: 3\n", "x.yaml:3: duplicate key 'a', first on line 1"),
        (b"a: {b: 1,\n b: 2}\n", "x.yaml:2: duplicate key 'b', first on line 1"),
        (b"a: 1\nb: [1, 2\n", "x.yaml:3: not valid YAML"),
        (b"a: 1\n\tb: 2\n", "x.yaml:2: not valid YAML"),
        (b"a: *nowhere\n", "x.yaml:1: not valid YAML"),
        (b"a: 1\n---\nb: 2\n", "x.yaml:2: not valid YAML"),
        (b"a: \x00\n", "x.yaml: not valid YAML"),
        (b"a: 1\nb: caf\xe9\n", "x.yaml:2: not UTF-8 text"),
        (b"a: 1\nb: !!python/name:os.system x\n", "x.yaml:2: the tag"),
        (b"a: !!binary eA==\n", "x.yaml:1: the tag"),
        (b"? [1, 2]\n: 3\n", "x.yaml:1: a key that is not plain text"),
        (BOMB, "too large or too deep"),
        (b"a: &a [*a]\n", "x.yaml:1: too large or too deep"),
        (b"a:\n" + b"[" * 900, "x.yaml:2: not valid YAML: nested too deeply"),
        (b"[" * 40 + b"]" * 40, "x.yaml:1: not valid YAML: nested too deeply"),
        (b"#" * (MAX_BYTES + 1), "x.yaml: too large"),
    ],
)
def test_bad_yaml_is_an_error_with_its_line(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        read(content, "x.yaml")
    assert message in str(error.value)


def test_tab_error_says_how_to_indent() -> None:
    with pytest.raises(InputError, match="indent with blanks, not tabs"):
        read(b"a:\n\t- b\n", "x.yaml")

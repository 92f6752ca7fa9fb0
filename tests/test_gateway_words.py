"""Words: both languages say the same things."""

import ast
import string
from pathlib import Path

import pytest

from gateway.words import LANGUAGES, WORDS, choose_language, say

ROOT = Path(__file__).parent.parent


def test_both_languages_have_the_same_keys_and_no_empty_words():
    assert set(WORDS) == set(LANGUAGES) == {"en", "zh"}
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    assert len(WORDS["en"]) > 100
    assert all(words.strip() for known in WORDS.values() for words in known.values())


def test_both_languages_take_the_same_values():
    def fields(words):
        return {name for _, name, _, _ in string.Formatter().parse(words) if name}

    for key, words in WORDS["en"].items():
        if not key.startswith("period_"):
            assert fields(words) == fields(WORDS["zh"][key]), key


def test_chinese_is_chinese():
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in words) for key, words in WORDS["zh"].items()
               if key != "other_language")  # fmt: skip


def test_pages_say_only_words_that_exist():
    asked = set()
    for path in (ROOT / "gateway/pages").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                key = node.args[1]
                if isinstance(key, ast.Constant):
                    asked.add(key.value)
    assert len(asked) > 40
    assert asked <= WORDS["en"].keys()


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("zh", "en", "zh"),
        ("en", "zh-CN", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "de,en;q=0.5,zh;q=0.7", "zh"),
        (None, "fr", "en"),
        (None, None, "en"),
        ("<script>", "zh;q=x", "en"),
    ],
)
def test_the_language_of_a_page(asked, accepted, language):
    assert choose_language(asked, accepted) == language


def test_say():
    assert (
        say("en", "lower", percent="3.1", last="18.4") == "3.1 % lower than the last good batch of this product: 18.4"
    )

from __future__ import annotations

import pytest

from pbckpt.v1.shards import pattern_matches


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("model.ckpt-?????-of-00002", "model.ckpt-00000-of-00002"),
        ("model.ckpt-?????-of-00002", "model.ckpt-00001-of-00002"),
        ("m[1]-?????-of-00001", "m[1]-00000-of-00001"),
        ("m*-?????-of-00001", "m*-00000-of-00001"),
        ("a\\b-?????-of-00001", "a\\b-00000-of-00001"),
        ("größe-?????-of-00001", "größe-00000-of-00001"),
        ("m?-?????-of-00001", "mx-00000-of-00001"),
        ("model.ckpt", "model.ckpt"),
        ("", ""),
    ],
)
def test_a_shard_of_the_pattern(pattern: str, name: str) -> None:
    assert pattern_matches(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("model.ckpt-?????-of-00002", "model.ckpt-00000-of-00003"),
        ("model.ckpt-?????-of-00002", "model.ckpt-00000-of-00002.tempstate12"),
        ("model.ckpt-?????-of-00002", "model.ckpt-000000-of-00002"),
        ("model.ckpt-?????-of-00002", "xmodel.ckpt-00000-of-00002"),
        ("model.ckpt-?????-of-00002", "Model.ckpt-00000-of-00002"),
        ("model.ckpt-?????-of-00002", "model_ckpt-00000-of-00002"),
        ("model.ckpt-?????-of-00002", "model.ckpt"),
        ("m[1]-?????-of-00001", "m1-00000-of-00001"),
        ("m*-?????-of-00001", "mm-00000-of-00001"),
        ("m-00000-of-00001", "m-?????-of-00001"),
    ],
)
def test_another_file(pattern: str, name: str) -> None:
    assert not pattern_matches(pattern, name)

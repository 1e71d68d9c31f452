from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbckpt.dtypes import DataType
from pbckpt.edits.settings import Setting, parse_setting
from pbckpt.errors import SelectionError


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("global_step=int64:0", ("global_step", DataType.INT64, (), 0)),
        ("a=b=int8:-128", ("a=b", DataType.INT8, (), -128)),
        ("a=b:=int8:1", ("a=b:", DataType.INT8, (), 1)),
        ("n=uint64:18446744073709551615", ("n", DataType.UINT64, (), 18446744073709551615)),
        ("n=int4:-8", ("n", DataType.INT4, (), -8)),
        ("n=uint2:3", ("n", DataType.UINT2, (), 3)),
        ("n=int32:+7", ("n", DataType.INT32, (), 7)),
        ("x=float:1e-3", ("x", DataType.FLOAT, (), 0.001)),
        ("x=float32:2", ("x", DataType.FLOAT, (), 2.0)),
        ("x=half:65504", ("x", DataType.HALF, (), 65504.0)),
        ("x=double:.5", ("x", DataType.DOUBLE, (), 0.5)),
        ("x=float32:-inf", ("x", DataType.FLOAT, (), -math.inf)),
        ("x=float8_e4m3fn:448", ("x", DataType.FLOAT8_E4M3FN, (), 448.0)),
        ("z=complex64:1-2j", ("z", DataType.COMPLEX64, (), 1 - 2j)),
        ("z=complex64:3", ("z", DataType.COMPLEX64, (), 3 + 0j)),
        ("b=bool:true", ("b", DataType.BOOL, (), True)),
        ("b=bool:False", ("b", DataType.BOOL, (), False)),
        ("s=string:a=int64:3", ("s", DataType.STRING, (), b"a=int64:3")),
        ("s=string:", ("s", DataType.STRING, (), b"")),
        ("s=string:12", ("s", DataType.STRING, (), b"12")),
        ('s=string:"[x"', ("s", DataType.STRING, (), b"[x")),
        ("s=string:ä", ("s", DataType.STRING, (), b"\xc3\xa4")),
        ("s=string:\udcff", ("s", DataType.STRING, (), b"\xff")),
        ('s=string:["a", ""]', ("s", DataType.STRING, (2,), (b"a", b""))),
        ("v=int32:[1, 2, 3]", ("v", DataType.INT32, (3,), (1, 2, 3))),
        ("m=float:[[1, 2.5], [3, 4]]", ("m", DataType.FLOAT, (2, 2), ((1.0, 2.5), (3.0, 4.0)))),
        ("e=float:[]", ("e", DataType.FLOAT, (0,), ())),
        ("e=float:[[], []]", ("e", DataType.FLOAT, (2, 0), ((), ()))),
        ("b=bool:[true, false]", ("b", DataType.BOOL, (2,), (True, False))),
        ('z=complex128:[1, "2j"]', ("z", DataType.COMPLEX128, (2,), (1 + 0j, 2j))),
    ],
)
def test_a_setting(text: str, setting: tuple[object, ...]) -> None:
    found = parse_setting(text)
    assert tuple(found) == setting
    assert [type(element) for element in found.elements()] == [
        type(element)
        for element in Setting(*setting).elements()  # type: ignore[arg-type]
    ]


def test_nan() -> None:
    assert math.isnan(float(str(parse_setting("x=bfloat16:nan").value)))


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("x", "setting 'x' is not NAME=DTYPE:VALUE, such as global_step=int64:0"),
        ("x=3", "setting 'x=3' is not NAME=DTYPE:VALUE, such as global_step=int64:0"),
        ("x=int65:3", "no type is called 'int65'; nearest: "),
        ("=int64:3", "a setting needs a name: 3"),
        ("\ud800=int64:3", "a key cannot be written as bytes: "),
        ("x=qint8:3", "setting 'x': no value of qint8 can be written down"),
        ("x=resource:3", "setting 'x': no value of resource can be written down"),
        ("x=int8:128", "setting 'x': 128 is no int8: -128 to 127"),
        ("x=uint8:-1", "setting 'x': -1 is no uint8: 0 to 255"),
        ("x=uint2:4", "setting 'x': 4 is no uint2: 0 to 3"),
        ("x=int64:1.0", "setting 'x': 1.0 is no int64; give it without a fraction"),
        ("x=int64:true", "setting 'x': True is no int64"),
        ("x=int64:", "setting 'x': '' is no int64"),
        ("x=int64:null", "setting 'x': None is no int64"),
        ("x=int64:{}", "setting 'x': {} is no int64"),
        ("x=int64:" + 5000 * "9", "setting 'x': "),
        ("x=float:" + 400 * "9", "setting 'x': "),
        ("x=float:1e39", "setting 'x': 1e+39 is beyond float32: 3.4028234663852886e+38 is the"),
        ("x=half:65505", "setting 'x': 65505.0 is beyond float16: 65504.0 is the largest"),
        ("x=float8_e4m3fn:inf", "setting 'x': inf is beyond float8_e4m3fn: 448.0 is the largest"),
        ("x=float4_e2m1fn:nan", "setting 'x': nan is beyond float4_e2m1fn: 6.0 is the largest"),
        ("x=complex64:1e39j", "setting 'x': 1e+39 is beyond complex64: "),
        ("x=float:1j", "setting 'x': '1j' is no float32"),
        ("x=float:abc", "setting 'x': 'abc' is no float32"),
        ("x=complex64:abc", "setting 'x': 'abc' is no complex64"),
        ("x=bool:1", "setting 'x': 1 is no bool: true or false"),
        ("x=bool:yes", "setting 'x': 'yes' is no bool: true or false"),
        ("x=string:[1]", "setting 'x': 1 is no string; give it in quotes"),
        ("x=string:[a]", "value '[a]' is not JSON: "),
        ("x=float:[1, [2]]", "setting 'x': [2] is no float32"),
        ("x=float:[[1], 2]", "setting 'x': the lists are not of equal length"),
        ("x=float:[[1], [2, 3]]", "setting 'x': the lists are not of equal length"),
        ("x=float:" + 255 * "[" + 255 * "]", "setting 'x': more than 254 dimensions"),
        ("x=float:" + 100_000 * "[", "value '["),
    ],
)
def test_a_setting_that_is_none(text: str, fact: str) -> None:
    with pytest.raises(SelectionError) as caught:
        parse_setting(text)
    assert str(caught.value).startswith(fact)
    assert len(str(caught.value)) < 400


def test_a_setting_of_values() -> None:
    assert Setting.of("s", DataType.STRING, [b"\xff", "a"]).value == (b"\xff", b"a")
    assert Setting.of("x", DataType.FLOAT, ((1, 2),)).elements() == [1.0, 2.0]
    with pytest.raises(SelectionError, match=r"setting 'x': a number is no int8: -128 to 127"):
        Setting.of("x", DataType.INT8, 10**5000)
    with pytest.raises(SelectionError, match="is no float32"):
        Setting.of("x", DataType.FLOAT, 1j)


@given(st.text("ax=:[]\"',0123456789.-enjtrusflag64", max_size=30), st.sampled_from(DataType))
def test_any_text_is_a_setting_or_refused(text: str, dtype: DataType) -> None:
    try:
        setting = parse_setting(f"x={dtype.label}:{text}")
    except SelectionError:
        return
    assert math.prod(setting.shape) == len(setting.elements())

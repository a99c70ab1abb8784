"""Stage keys: what an output depends on changes them, nothing else does."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.contracts.stages import STAGES, Stage, StageContract
from lambdas.control.errors import BadInput
from lambdas.control.keys import KEY_DIGITS, stage_key
from lambdas.control.stages import code_version

TEXT = st.text(max_size=8)
LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    LEAF | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
CONTRACT = st.sampled_from(list(STAGES.values()))


def sections(contract: StageContract) -> dict[str, Any]:
    return {name: {"of": name, "depth": {"a": 1, "b": [1, 2]}} for name in contract.sections}


def inputs(contract: StageContract) -> dict[str, Any]:
    """Return committed inputs; an input with groups has two."""
    return {
        stage.value: {group: {"stage_key": f"{stage}-{group}", "uri": "u"} for group in "ab"}
        if STAGES[stage].per_group
        else {"stage_key": f"key-of-{stage}", "uri": "u"}
        for stage in contract.inputs
    }


def key(contract: StageContract, **changes: Any) -> str:
    facts: dict[str, Any] = {
        "group": "a" if contract.per_group else None,
        "inputs": inputs(contract),
        "settings": sections(contract),
        "code_version": "c" * 40,
        "data_hash": "d",
        "run_facts": {"seconds": 1} if contract.run_facts else None,
    }
    return stage_key(contract, **(facts | changes))


def shuffled(value: Any, draw: Any) -> Any:
    """Return the same JSON value with its objects' keys in another order."""
    if isinstance(value, dict):
        names = draw(st.permutations(list(value)))
        return {name: shuffled(value[name], draw) for name in names}
    if isinstance(value, list):
        return [shuffled(item, draw) for item in value]
    return value


@given(data=st.data(), contract=CONTRACT, value=JSON)
def test_the_order_of_keys_does_not_matter(data: Any, contract: StageContract, value: Any) -> None:
    given_sections = dict.fromkeys(contract.sections, value) | {"other": value}
    assert key(contract, settings=given_sections) == key(
        contract,
        settings=shuffled(given_sections, data.draw),
        inputs=shuffled(inputs(contract), data.draw),
    )


@given(data=st.data(), contract=CONTRACT, old=JSON, new=JSON)
@settings(max_examples=200)
def test_a_section_that_a_stage_reads_changes_its_key_and_no_other_section_does(
    data: Any, contract: StageContract, old: Any, new: Any
) -> None:
    name = data.draw(st.sampled_from(contract.sections))
    before = sections(contract)
    changed = json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True)
    one, two = (key(contract, settings=before | {name: value}) for value in (old, new))
    assert (one != two) is changed
    unread = {section for row in STAGES.values() for section in row.sections}
    for other in unread - set(contract.sections):
        assert key(contract, settings=before | {other: old}) == key(contract)


@given(contract=CONTRACT, one=st.text("0123456789abcdef", min_size=1), two=TEXT)
def test_the_code_changes_the_key(contract: StageContract, one: str, two: str) -> None:
    same = key(contract, code_version=one) == key(contract, code_version=two)
    assert same is (one == two)


@pytest.mark.parametrize("contract", STAGES.values(), ids=str)
def test_each_input_changes_the_key_by_what_it_is_and_not_by_where_it_lies(
    contract: StageContract,
) -> None:
    for name, value in inputs(contract).items():
        if "stage_key" in value:
            altered = [{**value, "stage_key": "another"}]
            moved: dict[str, Any] = {**value, "uri": "elsewhere"}
        else:
            altered = [
                {**value, "a": {"stage_key": "another", "uri": "u"}},
                {"a": value["b"], "b": value["a"]},
                {"a": value["a"]},
                {"a": value["a"], "c": value["b"]},
            ]
            moved = {group: {**row, "uri": "elsewhere"} for group, row in value.items()}
        for other in altered:
            assert key(contract, inputs=inputs(contract) | {name: other}) != key(contract)
        assert key(contract, inputs=inputs(contract) | {name: moved}) == key(contract)


@pytest.mark.parametrize("contract", STAGES.values(), ids=str)
def test_raw_data_count_where_they_are_mounted(contract: StageContract) -> None:
    assert (key(contract, data_hash="e") != key(contract)) is contract.raw


@pytest.mark.parametrize("contract", STAGES.values(), ids=str)
def test_facts_of_the_run_count_where_they_are_mounted(contract: StageContract) -> None:
    other = key(contract, run_facts={"seconds": 2})
    assert (other != key(contract)) is contract.run_facts


def test_groups_have_keys_of_their_own() -> None:
    contract = STAGES[Stage.DISTILL]
    assert key(contract, group="a") != key(contract, group="b")


def test_no_two_stages_share_a_key() -> None:
    keys = [key(contract) for contract in STAGES.values()]
    assert len(set(keys)) == len(keys)
    assert all(len(text) == KEY_DIGITS for text in keys)


def test_nothing_of_a_run_itself_is_in_a_key() -> None:
    """A key takes no run, execution, submitter or time: equal work of two runs is equal."""
    given_names = set(stage_key.__annotations__) - {"return"}
    assert given_names == {
        "contract",
        "group",
        "inputs",
        "settings",
        "code_version",
        "data_hash",
        "run_facts",
    }


@pytest.mark.parametrize("contract", STAGES.values(), ids=str)
def test_a_missing_input_or_section_is_an_error_and_not_another_key(
    contract: StageContract,
) -> None:
    for name in contract.sections:
        left = {other: value for other, value in sections(contract).items() if other != name}
        with pytest.raises(BadInput, match=name):
            key(contract, settings=left)
    for stage in contract.inputs:
        empty: tuple[Any, ...] = (None, {})
        for nothing in empty:
            with pytest.raises(BadInput, match=stage.value):
                key(contract, inputs=inputs(contract) | {stage.value: nothing})


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("1.dkr.ecr.r.amazonaws.com/a-b/cpu:abc", "abc"),
        ("registry:5000/cpu:abc", "abc"),
        ("cpu@sha256:abc", "abc"),
    ],
)
def test_the_code_is_the_immutable_tag_of_the_jobs_own_image(image: str, tag: str) -> None:
    assert code_version(image) == tag


@pytest.mark.parametrize("image", [None, "", "cpu", "registry:5000/cpu", "cpu:", 7])
def test_an_image_without_a_tag_is_refused(image: Any) -> None:
    with pytest.raises(BadInput):
        code_version(image)

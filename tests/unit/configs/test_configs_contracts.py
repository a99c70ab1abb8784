"""The contracts agree with each other and with the folders that they name."""

from pathlib import Path

import pytest

from configs.contracts.functions import FUNCTIONS
from configs.contracts.names import Function, Machine
from configs.contracts.stages import STAGES, Image, JobKind, Stage
from configs.contracts.tables import Table
from configs.settings.run import RunSettings, load_run_settings, parse_override, unread_sections

ROOT = Path(__file__).resolve().parents[3]
DATASETS = sorted(path.stem for path in (ROOT / "configs" / "datasets").glob("*.yaml"))


def test_every_stage_has_a_contract_and_an_entry_point() -> None:
    assert set(STAGES) == set(Stage)
    missing = [stage for stage in Stage if not (ROOT / "training_jobs" / f"{stage}.py").is_file()]
    assert not missing


def test_stages_read_only_earlier_stages() -> None:
    order = list(Stage)
    for stage, contract in STAGES.items():
        late = [other for other in contract.inputs if order.index(other) >= order.index(stage)]
        assert not late, f"{stage} reads {late}, which come later"


def test_every_section_is_a_section_and_every_section_is_read() -> None:
    known = set(RunSettings.model_fields)
    for stage, contract in STAGES.items():
        assert set(contract.sections) <= known, stage
    assert unread_sections() == set()


def test_only_training_jobs_may_be_interrupted() -> None:
    assert [stage for stage, row in STAGES.items() if row.kind is JobKind.TRAINING] == [
        "mamba",
        "teacher",
    ]


@pytest.mark.parametrize("image", list(Image))
def test_every_image_has_a_folder(image: Image) -> None:
    assert (ROOT / "containers" / image / "Dockerfile").is_file()


@pytest.mark.parametrize("function", list(Function))
def test_every_function_has_a_row_and_a_handler(function: Function) -> None:
    assert function in FUNCTIONS
    assert (ROOT / "lambdas" / function / "handler.py").is_file()


@pytest.mark.parametrize("machine", list(Machine))
def test_every_machine_has_a_module(machine: Machine) -> None:
    assert (ROOT / "step_functions" / f"{machine}.py").is_file()


def test_no_table_is_without_a_writer_and_a_reader() -> None:
    writes = {"PutItem", "UpdateItem", "BatchWriteItem"}
    for table in Table:
        actions = {
            action
            for row in FUNCTIONS.values()
            for access in row.tables
            if access.table is table
            for action in access.actions
        }
        assert actions & writes, f"nobody writes {table}"
        assert actions - writes, f"nobody reads {table}"


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_dataset_resolves(dataset: str) -> None:
    assert load_run_settings(dataset).dataset.name == dataset


def test_overrides_are_applied_and_validated() -> None:
    key, value = parse_override("dataset.nonsense=3")
    with pytest.raises(Exception, match=r"nonsense.*unknown key"):
        load_run_settings("synthetic", {key: value})


@pytest.mark.parametrize("text", ["teacher", "teacher=1", "nosection.a=1", "teacher.=1"])
def test_override_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(Exception, match=r"section\.key=value"):
        parse_override(text)

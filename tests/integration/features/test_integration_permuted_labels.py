"""Labels dealt anew within each `as_of`, before Phase 0: nothing is left to be found.

With the labels as they are the same baselines find a lot, so that the test can fail.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from configs.settings.base import CONFIGS, load
from configs.settings.dataset import DatasetSettings, load_dataset
from configs.settings.evaluation import EvaluationSettings
from configs.settings.features import FeaturesSettings
from configs.settings.tasks import TasksSettings
from training_jobs.data.canonical import convert
from training_jobs.data.synthetic.writing import Order, generate
from training_jobs.evaluation.baselines import BOOSTING, MAJORITY, PERSISTENCE, fit_baselines
from training_jobs.evaluation.bootstrap import Estimate, Resampler, number_customers, point
from training_jobs.evaluation.frame import SPLITS, Frame, decision_inputs, read_split
from training_jobs.evaluation.judge import metric_of
from training_jobs.evaluation.ledger import Ledger
from training_jobs.evaluation.sample import Sample
from training_jobs.features.run import Made, make_features
from training_jobs.ple.tasks import BINARY, MULTICLASS, TaskSpec, read_tasks
from training_jobs.tasks.examples import write_examples

pytestmark = pytest.mark.slow
CUSTOMERS = 1500
METRICS = {BINARY: "auc", MULTICLASS: "log_loss_skill"}
CHANCE = {"auc": 0.5, "log_loss_skill": 0.0, "r2": 0.0}


def _permute(examples: Path) -> None:
    """Deal the rows of labels anew among the customers of an `as_of`, over all shards."""
    paths = sorted(examples.glob("part-*.parquet"))
    tables = [pq.read_table(path) for path in paths]
    whole = pa.concat_tables(tables)
    stamps = np.array([day.toordinal() for day in whole["as_of"].to_pylist()])
    order = np.arange(len(stamps))
    draw = np.random.default_rng(11)
    for day in np.unique(stamps):
        places = np.flatnonzero(stamps == day)
        order[places] = draw.permutation(places)
    dealt = whole.take(pa.array(order))
    start = 0
    for path, table in zip(paths, tables, strict=True):
        part = dealt.slice(start, table.num_rows)
        start += table.num_rows
        for name in table.column_names:
            if name.startswith("y_"):
                table = table.set_column(table.column_names.index(name), name, part[name])
        pq.write_table(table, path)


@dataclass(frozen=True)
class Bank:
    """Phase 0 made with permuted labels, and the true ones beside it.

    Attributes:
        made: what Phase 0 made, checks among it.
        tasks: the tasks that are on.
        permuted: frames by split with the labels Phase 0 saw.
        true: the same frames with the true labels.
        categorical: positions of categorical inputs.
    """

    made: Made
    tasks: tuple[TaskSpec, ...]
    permuted: Mapping[str, Frame]
    true: Mapping[str, Frame]
    categorical: list[int]


def _frames(output: Path, tasks: tuple[TaskSpec, ...]) -> dict[str, Frame]:
    teacher = output.parent / "teacher"
    (teacher / "predictions").mkdir(parents=True, exist_ok=True)
    frames = {}
    for split in SPLITS:
        keys = pa.concat_tables(
            pq.read_table(path, filters=[("split", "=", split)]).select(["customer_id", "as_of"])
            for path in sorted((output / "examples").glob("part-*.parquet"))
        )
        pq.write_table(keys, teacher / "predictions" / f"{split}.parquet")
        frames[split] = read_split(output, teacher, split, tasks, Ledger("test"))
    return frames


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    folder = tmp_path_factory.mktemp("permuted")
    dataset: DatasetSettings = load_dataset("synthetic")
    features = load(FeaturesSettings, CONFIGS / "feature_groups.yaml")
    leakage = features.leakage.model_copy(update={"sample_customers": 10})
    generate(
        Order(customers=CUSTOMERS, months=24, seed=5),
        out=folder / "raw", truth=folder / "truth", workers=1, progress=lambda *_: None,
    )  # fmt: skip
    prepared, output = folder / "preflight", folder / "phase0"
    faults, _ = convert(dataset, raw=folder / "raw", output=prepared, progress=lambda *_: None)
    assert not faults
    tasks = load(TasksSettings, CONFIGS / "pipeline" / "tasks.yaml")
    write_examples(prepared / "tables", output, dataset=dataset, tasks=tasks)
    honest = {path.name: path.read_bytes() for path in (output / "examples").iterdir()}
    _permute(output / "examples")
    made = make_features(
        prepared / "tables",
        output,
        dataset=dataset,
        settings=features.model_copy(update={"leakage": leakage}),
        progress=lambda *_: None,
    )
    on = read_tasks(json.loads((output / "tasks.json").read_text()))
    permuted = _frames(output, on)
    for name, content in honest.items():
        (output / "examples" / name).write_bytes(content)
    return Bank(made, on, permuted, _frames(output, on), decision_inputs(output)[1])


def _judge(bank: Bank, frames: Mapping[str, Frame]) -> dict[tuple[str, str], Estimate]:
    """Return each baseline's test metric with its interval, by task and baseline."""
    settings = load(EvaluationSettings, CONFIGS / "pipeline" / "evaluation.yaml")
    # Some forty intervals are looked at: at 95 % two of them would miss by chance alone.
    bootstrap = settings.bootstrap.model_copy(update={"level": 0.999, "replicates": 1000})
    # Short boosting is enough to find what there is, over a thousand columns and fifty classes.
    short = {"rounds": 25, "learning_rate": 0.1, "feature_share": 0.2, "leaves": 7, "patience": 8}
    boosting = settings.boosting.model_copy(update=short)
    settings = settings.model_copy(update={"boosting": boosting})
    declared = {
        task.name: task for task in load(TasksSettings, CONFIGS / "pipeline/tasks.yaml").tasks
    }
    test = frames["test"]
    found = {}
    for task in bank.tasks:
        fitted = fit_baselines(
            task,
            declared[task.name],
            settings,
            train=frames["train"],
            selection=frames["selection"],
            categorical=bank.categorical,
        )
        labels = test.labels[task.name]
        seen = ~np.isnan(labels) & ~test.cold
        resampler = Resampler(number_customers(test.customers[seen]), bootstrap)
        metric = metric_of(METRICS.get(task.type, "r2"), task)
        reference = fitted.predictors[MAJORITY](test)[seen]
        for name, predict in fitted.predictors.items():
            if name != MAJORITY:
                ones = np.ones((1, int(seen.sum())))
                sample = Sample(labels[seen], predict(test)[seen], ones, reference)
                low, high = resampler.interval(resampler.replicates(metric, sample))
                found[task.name, name] = Estimate(point(metric, sample), low, high)
    return found


def test_every_baseline_falls_to_chance(bank: Bank) -> None:
    kinds = {task.name: METRICS.get(task.type, "r2") for task in bank.tasks}
    true, permuted = _judge(bank, bank.true), _judge(bank, bank.permuted)
    assert {name for _, name in true} == {BOOSTING, PERSISTENCE}
    above = {key for key, one in true.items() if (one.low or 0) > CHANCE[kinds[key[0]]]}
    assert len({task for task, _ in above}) >= 3, f"the baselines find nothing: {true}"
    assert ("segment_prediction", BOOSTING) in above
    assert ("segment_prediction", PERSISTENCE) in above
    for (task, name), one in permuted.items():
        chance = CHANCE[kinds[task]]
        assert one.low is not None
        assert one.high is not None
        assert one.low <= chance, f"{name} tells permuted {task}: {one}"
        if kinds[task] == "auc":
            assert one.high >= chance, f"{name} tells permuted {task} backwards: {one}"


def test_no_single_column_tells_permuted_labels(bank: Bank) -> None:
    assert [check.name for check in bank.made.checks if check.blocking and not check.passed] == []
    screen = next(c for c in bank.made.checks if c.name == "leakage.single_feature")
    train = bank.permuted["train"].labels
    binary = [task.name for task in bank.tasks if task.type == BINARY]
    assert binary
    fewest = min(min((train[name] == 0).sum(), (train[name] == 1).sum()) for name in binary)
    # Of a few thousand comparisons the largest lies some four standard errors from one half.
    assert 0.5 < float(screen.value or 0) < 0.5 + 6 * np.sqrt(1 / 12 / fewest)


def test_labels_were_moved_and_only_they(bank: Bank) -> None:
    for split in SPLITS:
        given, dealt = bank.true[split], bank.permuted[split]
        assert (given.customers == dealt.customers).all()
        assert np.array_equal(given.features, dealt.features, equal_nan=True)
        assert replace(given, labels={}).states.keys() == dealt.states.keys()
    moved = bank.permuted["test"].labels["segment_prediction"]
    kept = bank.true["test"].labels["segment_prediction"]
    assert 0.2 < np.mean(moved != kept) < 0.9
    assert sorted(moved[~np.isnan(moved)]) == sorted(kept[~np.isnan(kept)])

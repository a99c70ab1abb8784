"""Lenses of the visibility matrix: each sees its own structure and loses it with the structure."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.settings.base import load
from configs.settings.dataset import Catalogue, DatasetSettings
from configs.settings.simulation import BankSettings
from configs.settings.simulation_proof import ProofSettings
from training_jobs.data.synthetic.bank import simulate
from training_jobs.data.synthetic.ceilings import product_tasks
from training_jobs.data.synthetic.detector_oracle import measure as measure_tasks
from training_jobs.data.synthetic.detectors import DETECTORS
from training_jobs.data.synthetic.lenses import hgcn, perslay, surrogates, temporal
from training_jobs.data.synthetic.lenses.base import Look, Matrix
from training_jobs.data.synthetic.lenses.gather import join, observe
from training_jobs.data.synthetic.lenses.learner import fold_of, unseen_scores
from training_jobs.data.synthetic.lenses.observed import History, Observed
from training_jobs.data.synthetic.oracle import DATASET_FILE
from training_jobs.data.synthetic.visibility import (
    LENSES,
    NAMES,
    PROOF_FILE,
    ROBBED,
    main,
    measure,
    populations,
    render,
    rob,
    verdicts,
)
from training_jobs.data.synthetic.writing import BANK_FILE, CATALOGUE_FILE

SETTINGS = load(BankSettings, BANK_FILE)
CATALOGUE = load(Catalogue, CATALOGUE_FILE)


@pytest.fixture(scope="module")
def proof() -> ProofSettings:
    """The shipped settings with a smaller learner."""
    shipped = load(ProofSettings, PROOF_FILE)
    return shipped.model_copy(
        update={
            "replicates": 40,
            "learner": shipped.learner.model_copy(update={"rounds": 40, "folds": 3}),
            "representations": shipped.representations.model_copy(update={"points": (24,)}),
        }
    )


@pytest.fixture(scope="module")
def observed(proof: ProofSettings) -> list[Observed]:
    return observe(
        2560, seed=9002, months=24, as_ofs=proof.as_ofs, workers=2, progress=lambda *_: None
    )


@pytest.fixture(scope="module")
def look(proof: ProofSettings) -> Look:
    return Look(SETTINGS, proof.representations, CATALOGUE)


@pytest.mark.parametrize("lens", sorted(ROBBED))
def test_a_lens_loses_its_mechanism_with_the_structure_it_reads(
    lens: str, observed: Sequence[Observed], proof: ProofSettings
) -> None:
    represent, own = LENSES[lens]
    assert own is not None
    juries = populations(observed, proof)
    parts: dict[str, Any] = {"settings": SETTINGS, "proof": proof, "juries": juries}
    whole = measure(observed, represent, mechanisms=(own,), **parts)[own]["eligible"]
    robbed = rob(observed, lens, **parts)["eligible"]
    assert whole["value"] > 0.68
    assert robbed["value"] < 0.62
    assert whole["low"] > robbed["high"]


def test_surrogates_keep_everything_but_the_structure(observed: Sequence[Observed]) -> None:
    one, rng = observed[0], np.random.default_rng(1)

    def multiset(row: np.ndarray, value: np.ndarray) -> list[tuple[float, float]]:
        return sorted(zip(row.tolist(), value.tolist(), strict=True))

    shuffled = surrogates.shuffle_order(one, rng)
    assert multiset(one.row, shuffled.category) == multiset(one.row, one.category)
    assert (shuffled.category != one.category).mean() > 0.5
    assert np.array_equal(shuffled.second, one.second)
    series = surrogates.autoregressive(one, rng)
    assert multiset(one.row, series.amount) == multiset(one.row, one.amount)
    visits = surrogates.shuffle_merchants(one, rng)
    assert sorted(visits.merchant.tolist()) == sorted(one.merchant.tolist())
    assert np.array_equal(visits.row, one.row)


def test_order_statistics_cannot_be_read_from_counts(
    observed: Sequence[Observed], look: Look
) -> None:
    one, rng = observed[0], np.random.default_rng(2)
    draws = [temporal.represent(surrogates.shuffle_order(one, rng), look).values for _ in range(8)]
    # Over random orders of the same events every order statistic averages out.
    mean = np.mean(draws, axis=0)
    spread = np.std(draws, axis=0)
    assert abs(mean.mean()) < 0.01
    assert np.abs(mean).mean() < 1.2 * spread.mean()


def test_the_tree_lens_reads_branches_and_not_single_codes(
    observed: Sequence[Observed], look: Look
) -> None:
    branch = hgcn.branches(look.category_codes)
    codes = look.category_codes
    for first, second in ((0, 1), (5, 40), (60, 61)):
        assert (branch[first] == branch[second]) == (codes[first][:3] == codes[second][:3])
    renamed = np.random.default_rng(3).permutation(int(branch.max()) + 1)[branch]
    ours, theirs = (
        hgcn.represent_tree(observed[0], look, tree).values for tree in (branch, renamed)
    )
    # Names of branches are arbitrary: the concentration does not change with them.
    concentration = slice(0, 8)
    assert ours[:, concentration] == pytest.approx(theirs[:, concentration], nan_ok=True)


def test_persistence_sees_a_loop_where_there_is_one() -> None:
    angle = np.arange(60) * 2 * np.pi / 6.5
    loop = perslay.ranks(np.sin(angle))
    noise = perslay.ranks(np.random.default_rng(4).random(60))
    ring, cloud = perslay.persistence([loop, noise], 3)
    longest = 8 + 1
    assert ring[longest] > 2 * cloud[longest]


def test_every_customer_is_scored_by_a_model_of_others(proof: ProofSettings) -> None:
    customer = np.repeat(np.arange(300), 2)
    folds = fold_of(customer, proof.learner)
    assert (folds[::2] == folds[1::2]).all()
    assert len(set(folds.tolist())) == proof.learner.folds
    # A code of each customer tells the label of that customer and of nobody else.
    label = (np.arange(300) % 2 == 0)[customer][:, None]
    code = Matrix(customer[:, None].astype(float), categorical=(0,))
    scores = unseen_scores(code, label, customer, proof.learner)
    positive, negative = scores[label[:, 0], 0], scores[~label[:, 0], 0]
    assert abs(positive.mean() - negative.mean()) < 0.1


def test_nothing_after_the_as_of_is_observed() -> None:
    block = simulate(SETTINGS, CATALOGUE, seed=5, start=0, stop=200, months=24)
    cut = {
        name: table
        if name == "customers"
        else table.filter(np.asarray(table["month" if "month" in table.column_names else "ts"])
                          < np.datetime64("2025-04-01"))
        for name, table in block.tables.items()
    }  # fmt: skip
    whole = History(block, SETTINGS, CATALOGUE).at(15)
    latent = block.truth["latent"]
    early = latent.filter(np.asarray(latent["month"]) < np.datetime64("2025-04-01"))
    part = History(type(block)(cut, {"latent": early}), SETTINGS, CATALOGUE).at(15)
    for name, value in vars(whole).items():
        assert np.array_equal(value, getattr(part, name), equal_nan=value.dtype.kind == "f"), name
    assert len(whole.row) > 3000
    assert whole.back.min() == 0
    assert whole.back.max() == 11
    assert (whole.second > 0).all()


def test_blocks_join_as_they_would_have_been_observed_together(
    observed: Sequence[Observed],
) -> None:
    one = observed[0]
    assert np.array_equal(one.customer, np.unique(one.customer))
    assert (np.diff(one.row) >= 0).all()
    both = join([one, one])
    assert both.size == 2 * one.size
    assert np.array_equal(both.row[len(one.row) :], one.row + one.size)


def test_broken_bounds_are_named(proof: ProofSettings) -> None:
    def line(**values: float) -> dict[str, Any]:
        return {
            name: {"eligible": {"value": values.get(name, 0.5), "low": 0.4, "high": 0.6}}
            for name in NAMES
        }

    good = {"temporal": line(rhythm=0.8), "aggregates": line(rhythm=0.57)}
    assert verdicts(good, {}, proof) == []
    for lens, values, message in (
        ("temporal", {"rhythm": 0.74}, "temporal sees rhythm at 0.740 < 0.75"),
        ("temporal", {"rhythm": 0.8, "drift": 0.63}, "temporal sees drift at 0.630 > 0.62"),
        ("aggregates", {"cause": 0.59}, "aggregates sees cause at 0.590 > 0.58"),
    ):
        assert verdicts(good | {lens: line(**values)}, {}, proof) == [message]
    robbed = {"temporal": {"mechanism": "rhythm", "eligible": {"value": 0.7}}}
    assert "without its structure" in verdicts(good, robbed, proof)[0]


def test_command_writes_the_matrix_and_says_what_breaks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "visibility.json"
    code = main(["--customers", "600", "--lens", "causal", "--out", str(out)])
    result = json.loads(out.read_text())
    assert code == (1 if result["broken"] else 0)
    assert list(result["matrix"]) == ["causal"]
    assert set(result["matrix"]["causal"]) == set(NAMES)
    assert set(result["rows"]) == {"eligible", "all"}
    assert "causal" in render(result)
    assert "eligible" in capsys.readouterr().out


@pytest.mark.parametrize("mechanism", NAMES)
def test_a_reference_detector_tells_its_mechanism(
    mechanism: str, observed: Sequence[Observed], look: Look, proof: ProofSettings
) -> None:
    readings = Matrix(np.concatenate([DETECTORS[mechanism](one, look) for one in observed]))
    rows, jury = populations(observed, proof)["eligible"]
    on = np.concatenate([one.on for one in observed])[:, [NAMES.index(mechanism)]]
    customer = np.concatenate([one.customer for one in observed])
    scores = unseen_scores(readings, on, customer, proof.learner)
    found = jury.metric("auc", on[rows, 0], scores[rows, 0])
    assert found.value is not None
    assert found.value > 0.7


def test_the_detector_oracle_reads_history_alone_and_scores_every_product_task(
    proof: ProofSettings,
) -> None:
    dataset = load(DatasetSettings, DATASET_FILE)
    early, test, later = observe(
        700, seed=3, months=24, as_ofs=(15, 21, 24), workers=1, progress=lambda *_: None
    )
    parts: dict[str, Any] = {
        "settings": SETTINGS, "catalogue": CATALOGUE, "dataset": dataset, "proof": proof,
    }  # fmt: skip
    result = measure_tasks([early], test, later, **parts)
    names = {task.name for task in product_tasks()} - {"segment_prediction"}
    assert set(result) == names
    for task in result.values():
        assert set(task["inputs"]) == {"detectors", "attributes", "both"}
        assert all(metrics for metrics in task["inputs"].values())

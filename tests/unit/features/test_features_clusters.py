"""Groups 12 and the distances of 13: against scikit-learn, and alive on the synthetic bank."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from sklearn.cluster import KMeans as PeerKMeans
from sklearn.mixture import GaussianMixture as PeerMixture

from configs.settings.base import CONFIGS, load
from configs.settings.dataset import DatasetSettings
from configs.settings.generators.latent import Estimation, KMeans
from tests.unit.features import features_bank as bank
from training_jobs.data.canonical import convert
from training_jobs.data.synthetic.writing import Order, generate
from training_jobs.features.bank import read_bank
from training_jobs.features.cut import Limits, cut
from training_jobs.features.generators.clusters import entropy
from training_jobs.features.latent.aggregates import aggregates, scale_of, to_fit
from training_jobs.features.latent.gaussians import points
from training_jobs.features.latent.kmeans import k_means, squared_distances
from training_jobs.features.latent.mixture import Mixture, assign, em_step, fit_mixture
from training_jobs.features.registry import GENERATORS
from training_jobs.features.sources import Sources

ESTIMATION = Estimation(
    restarts=3,
    seed=1,
    start_rows=5000,
    start_steps=50,
    iterations=200,
    tolerance=1e-7,
    pseudo_count=0,
    min_variance=1e-6,
)
NAMES = [row["customer_id"] for row in bank.standard().customers]


def peer(mixture: Mixture) -> PeerMixture:
    """Return scikit-learn's mixture of equal parameters, about to make one EM step."""
    made = PeerMixture(
        len(mixture.weights),
        covariance_type="diag",
        reg_covar=0,
        max_iter=1,
        weights_init=mixture.weights,
        means_init=mixture.means,
        precisions_init=1 / mixture.variances,
    )
    made.weights_, made.means_, made.covariances_ = (
        mixture.weights,
        mixture.means,
        mixture.variances,
    )
    made.precisions_cholesky_ = 1 / np.sqrt(mixture.variances)
    return made


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_responsibilities_and_an_em_step_are_those_of_scikit_learn() -> None:
    draw = np.random.default_rng(3)
    values = draw.normal(size=(6, 3000)) * 2
    mixture = Mixture(
        draw.dirichlet(np.full(20, 3.0)),
        draw.normal(size=(20, 6)),
        draw.uniform(0.3, 2, size=(20, 6)),
    )
    shares, likely = assign(mixture, points(values))
    other = peer(mixture)
    assert np.abs(shares.T - other.predict_proba(values.T)).max() < 1e-12
    assert np.abs(likely - other.score_samples(values.T)).max() < 1e-10
    stepped, before = em_step(mixture, points(values), pseudo_count=0, min_variance=1e-9)
    assert before == pytest.approx(other.score_samples(values.T).sum(), abs=1e-8)
    other.fit(values.T)
    assert np.abs(stepped.weights - other.weights_).max() < 1e-10
    assert np.abs(stepped.means - other.means_).max() < 1e-10
    assert np.abs(stepped.variances - other.covariances_).max() < 1e-10


def blobs(seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return four planted means and 4,000 points around them, (3, 4000)."""
    means = np.array([[-4.0, 0, 1], [-1, 3, 0], [2, -3, 2], [5, 2, -2]])
    draw = np.random.default_rng(seed)
    of = draw.choice(4, size=4000, p=[0.1, 0.2, 0.3, 0.4])
    return means, (means[of] + draw.normal(size=(4000, 3)) * 0.7).T


def test_the_mixture_finds_planted_components_in_canonical_order() -> None:
    means, values = blobs()
    found = fit_mixture(values, 4, ESTIMATION)
    assert np.abs(found.means - means).max() < 0.15
    assert np.abs(found.weights - [0.1, 0.2, 0.3, 0.4]).max() < 0.03
    assert np.abs(found.variances - 0.49).max() < 0.1


@pytest.mark.parametrize("seed", range(4))
def test_components_are_numbered_by_their_first_mean_wherever_em_left_them(seed: int) -> None:
    """Twelve components for four blobs: their means cross on the way."""
    _, values = blobs(seed)
    found = fit_mixture(values[:, ::20], 12, ESTIMATION)
    assert (np.diff(found.means[:, 0]) > 0).all()


def test_k_means_is_as_tight_as_that_of_scikit_learn() -> None:
    _, values = blobs()
    settings = KMeans(centroids=6, restarts=8, seed=2, iterations=200)
    centroids = k_means(values, settings)
    ours = squared_distances(values, centroids).min(axis=0).sum()
    theirs = PeerKMeans(6, n_init=20, random_state=0).fit(values.T).inertia_
    assert ours <= theirs * 1.005
    assert (np.diff(centroids[:, 0]) >= 0).all()
    # Converged: every centroid is the mean of those nearest to it.
    nearest = squared_distances(values, centroids).argmin(axis=0)
    for place, centroid in enumerate(centroids):
        assert centroid == pytest.approx(values[:, nearest == place].mean(axis=1))


def test_of_several_starts_the_tightest_is_kept() -> None:
    _, values = blobs()

    def inertia(seed: int, restarts: int) -> float:
        settings = KMeans(centroids=9, restarts=restarts, seed=seed, iterations=200)
        return float(squared_distances(values, k_means(values, settings)).min(axis=0).sum())

    alone = [inertia(2 + start, 1) for start in range(5)]
    assert inertia(2, 5) == pytest.approx(min(alone))
    assert min(alone) < 0.98 * max(alone)


def test_fewer_different_customers_than_clusters_are_no_fault() -> None:
    values = np.repeat(np.array([[1.0, -1.0], [0.0, 2.0]]), 5, axis=1)
    centroids = k_means(values, KMeans(centroids=5, restarts=2, seed=0, iterations=10))
    assert {tuple(row) for row in centroids} == {(1.0, 0.0), (-1.0, 2.0)}
    mixture = fit_mixture(values, 4, ESTIMATION)
    assert np.isfinite(assign(mixture, points(values))[0]).all()


def test_entropy_of_known_shares() -> None:
    shares = np.array([[1, 0.5, 0.25], [0, 0.5, 0.25], [0, 0, 0.25], [0, 0, 0.25]])
    assert entropy(shares) == pytest.approx([0, np.log(2), np.log(4)])


def product(name: str) -> Any:
    """Return a generator of the product's own settings."""
    group = bank.group(name)
    return GENERATORS.build(group.generator, group.parameters, bank.bank_facts())


@pytest.mark.parametrize("name", ["gmm_clustering", "model_derived"])
def test_no_protected_attribute_is_an_input(name: str) -> None:
    names = bank.group(name).parameters.aggregates.names
    assert len(names) > 10
    assert not [each for each in names if "age" in each.split("_") or "gender" in each]


@pytest.mark.parametrize("name", ["gmm_clustering", "model_derived"])
def test_fit_and_batch_do_not_depend_on_the_company(tables: Path, name: str) -> None:
    made = product(name)
    with bank.view_of(tables, bank.CUTOFF) as view:
        model = made.fit(view)
        whole = made.transform(view, model)
    with bank.view_of(tables, bank.CUTOFF, NAMES[::-1]) as view:
        other = made.fit(view)
        assert made.transform(view, model)[::-1].tobytes() == whole.tobytes()
    assert model.values == other.values
    for key, array in model.arrays.items():
        assert array.tobytes() == other.arrays[key].tobytes(), key
    for part in (NAMES[3:4], NAMES[20:31]):
        with bank.view_of(tables, bank.CUTOFF, part) as view:
            places = [NAMES.index(each) for each in part]
            assert made.transform(view, model).tobytes() == whole[places].tobytes()


@pytest.mark.parametrize(("name", "columns"), [("gmm_clustering", 22), ("model_derived", 5)])
def test_what_is_missing_is_imputed_by_the_median_and_who_is_unknown_is_not(
    tables: Path, tmp_path: Path, name: str, columns: int
) -> None:
    rows = bank.make_bank()
    for table in ("customer_months", "holdings", "transactions"):
        rows.of(table)[:] = [row for row in rows.of(table) if row["customer_id"] != "C010"]
    for row in rows.customer_months:
        if row["customer_id"] == "C011":
            row["income"] = None
    folder = bank.write_tables(tmp_path, rows, shards=2)
    made = product(name)
    with bank.view_of(tables, bank.CUTOFF) as view:
        model = made.fit(view)
        settings = made.parameters.aggregates
        incomes = aggregates(view, made.bank, settings).values["recorded_income"]
        whole = made.transform(view, model)
    with bank.view_of(folder, bank.CUTOFF) as view:
        values = made.transform(view, model)[:, :columns]
    assert np.isfinite(values[11]).all()
    unknown = values[10]
    assert np.isnan(unknown[:-1] if name == "gmm_clustering" else unknown).all()
    if name == "gmm_clustering":
        assert unknown[-1] == 0
    # The same customer with the median income recorded has the same values.
    known = np.sort(incomes[~np.isnan(incomes)])
    for row in rows.customer_months:
        if row["customer_id"] == "C011":
            row["income"] = int(known[len(known) // 2])
    folder = bank.write_tables(tmp_path / "median", rows, shards=2)
    with bank.view_of(folder, bank.CUTOFF) as view:
        again = made.transform(view, model)[:, :columns]
    assert again[11] == pytest.approx(values[11], abs=1e-6)
    if name == "model_derived":
        assert np.abs(whole[11, :columns] - values[11]).max() > 1e-3


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DatasetSettings, list[str]]:
    """Return tables, settings and customers of a small synthetic bank."""
    folder = tmp_path_factory.mktemp("synthetic")
    generate(
        Order(1500, 24, 1),
        out=folder / "raw",
        truth=folder / "truth",
        workers=1,
        progress=lambda done, total, rows: None,
    )
    dataset = load(DatasetSettings, CONFIGS / "datasets" / "synthetic.yaml")
    faults, _ = convert(
        dataset, raw=folder / "raw", output=folder / "out", progress=lambda *given: None
    )
    assert not faults
    tables = folder / "out" / "tables"
    sources = Sources(tables, tuple(range(dataset.shards)))
    with duckdb.connect() as connection:
        select = f"SELECT customer_id FROM ({sources.select('customers')}) ORDER BY ALL"
        found = connection.execute(select).fetchall()
    return tables, dataset, [row[0] for row in found]


def test_no_component_collapses_on_the_synthetic_bank(
    synthetic: tuple[Path, DatasetSettings, list[str]],
) -> None:
    tables, dataset, customers = synthetic
    group = bank.group("gmm_clustering")
    made: Any = GENERATORS.build(group.generator, group.parameters, read_bank(tables, dataset))
    with cut(
        Sources(tables, tuple(range(dataset.shards))),
        customers=customers,
        as_of=dataset.fit_cutoff,
        lookback_months=dataset.lookback_months,
        limits=Limits("512MB", 1),
    ) as view:
        model = made.fit(view)
        values = made.transform(view, model)
        numbers = aggregates(view, made.bank, made.parameters.aggregates)
        scale = scale_of(numbers, made.parameters.aggregates)
        vectors = to_fit(numbers, scale, view.customers)
    assert scale.names == made.parameters.aggregates.names, "every aggregate varies"
    weights = model.arrays["weights"]
    assert weights.min() > 0.1 / len(weights)
    assert weights.max() < 0.5
    known = values[~np.isnan(values[:, 0])]
    assert (known[:, :20].max(axis=0) > 0.9).all(), "every component is somebody's"
    assert (known[:, :20].std(axis=0) > 0.02).all()
    assert set(known[:, -1]) == set(range(1, 21))
    assert (known[:, 20] > 0.1).mean() > 0.1, "some lie between components"
    # Customers of a component are nearer to each other than to the rest.
    labels = known[:, -1].astype(int)
    within = sum(
        vectors[:, labels == label].var(axis=1).sum() * (labels == label).mean()
        for label in range(1, 21)
    )
    assert within < 0.6 * vectors.var(axis=1).sum()

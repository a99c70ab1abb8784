"""The schema tells the truth: kinds, statistics, absences, experts, and who may decide."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from configs.settings.features import FeaturesSettings
from tests.unit.features import features_bank as bank
from tests.unit.features.conftest import Clean
from training_jobs.features.bank import read_names
from training_jobs.features.completeness import dropped_columns, experts_present
from training_jobs.features.errors import FeatureError
from training_jobs.features.fitting import fit, fit_sample
from training_jobs.features.model import Clock
from training_jobs.features.reading import read_columns
from training_jobs.features.schema import feature_schema, glossary_entries


def read(output: Path, name: str = "feature_schema.json") -> Any:
    """Return a JSON artefact."""
    return json.loads((output / name).read_text())


def features_of(output: Path) -> pa.Table:
    """Return the columns of all shards as readers see them."""
    names = [column["name"] for column in read(output)["columns"]]
    tables = []
    for path in sorted((output / "features").iterdir()):
        values = read_columns(output, path.name, names)
        columns = [pa.array(values[:, place], from_pandas=True) for place in range(len(names))]
        keys = pq.read_table(path, columns=["customer_id", "as_of"])
        tables.append(pa.table([*keys.columns, *columns], [*keys.column_names, *names]))
    return pa.concat_tables(tables)


def test_columns_are_those_of_the_files_in_order(clean: Clean) -> None:
    schema = read(clean.output)
    stored = [column["name"] for column in schema["columns"] if column["view"] is None]
    files = sorted((clean.output / "features").iterdir())
    assert all(pq.read_schema(path).names[2:] == stored for path in files)
    groups = [column["group"] for column in schema["columns"]]
    on = [group.name for group in bank.features().groups if group.enabled]
    assert list(dict.fromkeys(groups)) == on
    for name, group in schema["groups"].items():
        assert (group["status"] == "present") == (name in on)
        assert group["columns"] == groups.count(name)
        assert group["declared"] == group["columns"] + len(group["dropped"])


def test_statistics_are_those_of_the_fit_sample_alone(clean: Clean) -> None:
    schema = read(clean.output)
    table = features_of(clean.output)
    table = table.filter(pc.equal(table["as_of"], bank.CUTOFF))
    checked = 0
    for column in schema["columns"]:
        values = table[column["name"]].to_numpy().astype(np.float64)
        present = values[~np.isnan(values)]
        assert column["missing"] == pytest.approx(1 - len(present) / len(values))
        if column["kind"] == "categorical":
            assert column["mean"] is column["sd"] is column["median"] is None
            continue
        scaled = np.sign(present) * np.log1p(np.abs(present)) if column["log"] else present
        assert column["mean"] == pytest.approx(scaled.mean(), rel=1e-6, abs=1e-9)
        assert column["sd"] == pytest.approx(scaled.std(), rel=1e-6)
        assert column["sd"] > 0
        assert column["median"] == pytest.approx(np.median(present), rel=1e-6)
        checked += column["log"]
    assert checked >= 10, "power-law columns are marked"


def test_files_hold_raw_values(clean: Clean) -> None:
    """The logarithm and the scale are the reader's: trees and fact sheets read what is true."""
    table = features_of(clean.output)
    assert max(value or 0 for value in table["spend_total"].to_pylist()) > 100_000
    assert set(table["spend_count_7d"].to_pylist()) >= {0.0, 1.0, 2.0}


def test_kinds_bind_the_values(clean: Clean) -> None:
    table = features_of(clean.output)
    kinds = {"numeric": 0, "categorical": 0, "binary": 0}
    for column in read(clean.output)["columns"]:
        kinds[column["kind"]] += 1
        values = {value for value in table[column["name"]].to_pylist() if value is not None}
        if column["kind"] == "binary":
            assert values <= {0.0, 1.0}
        if column["kind"] == "categorical":
            assert values <= set(map(float, range(column["cardinality"])))
    assert min(kinds.values()) > 0


def test_protected_columns_are_measured_and_decide_nothing(clean: Clean) -> None:
    schema = read(clean.output)
    protected = [column["name"] for column in schema["columns"] if column["protected"]]
    assert protected == ["age", "gender"]
    assert set(protected) <= set(features_of(clean.output).column_names)
    names = [column["name"] for column in schema["columns"]]
    assert schema["decision_inputs"] == [name for name in names if name not in protected]


def test_the_flag_alone_exposes_a_protected_column(tables: Path) -> None:
    model = bank.fitted(tables, bank.features())
    exposed = bank.features(expose_protected=["age"])
    names = read_names(tables)
    for settings, expected in ((bank.features(), set()), (exposed, {"age"})):
        entries = glossary_entries(model, settings, names)
        decide = set(feature_schema(model, settings, entries, as_ofs={})["decision_inputs"])
        assert decide & {"age", "gender"} == expected


def test_every_written_column_has_a_filled_in_glossary_entry(clean: Clean) -> None:
    glossary = read(clean.output, "glossary.json")
    assert set(glossary) == {column["name"] for column in read(clean.output)["columns"]}
    assert glossary["hold_fond"]["en"] == "holding of Product fond"
    assert glossary["spend_sum_30d"]["period"] == {"ko": "최근 30일", "en": "last 30 days"}
    for column, entry in glossary.items():
        texts = [entry["ko"], entry["en"], *entry["up"].values(), *entry["sentence"].values()]
        assert all(text and "{" not in text for text in texts), column


def schema_of(tables: Path, settings: FeaturesSettings, shards: int = 1) -> Any:
    """Fit on tables that may lack something, and return schema and model."""
    model = bank.fitted(tables, settings, shards=shards)
    entries = glossary_entries(model, settings, read_names(tables))
    return feature_schema(model, settings, entries, as_ofs={}), model


def test_without_transactions_their_groups_and_experts_are_absent_with_the_reason(
    tmp_path: Path,
) -> None:
    folder = bank.write_tables(
        tmp_path / "t",
        bank.standard(),
        shards=1,
        tables=("customers", "customer_months", "holdings"),
    )
    schema, _model = schema_of(folder, bank.features())
    for name in ("txn_behavior", "txn_rolling_stats", "mcc_top30_multihot"):
        group = schema["groups"][name]
        assert group["status"] == "absent"
        assert group["columns"] == 0
        assert "transactions" in group["reason"]
    assert not [c for c in schema["columns"] if c["group"].startswith(("txn", "mcc"))]
    assert schema["experts"]["temporal"]["status"] == "absent"
    assert "events: needs transactions" in schema["experts"]["temporal"]["reason"]
    assert schema["experts"]["deepfm"]["status"] == "present"
    assert schema["private_groups"] == ["demographics", "product_holdings", "derived_temporal"]
    assert schema["event_length"] == 0
    some, every, _ = experts_present(schema, strict=True)
    assert (some.passed, every.passed, every.blocking) == (True, False, True)
    assert "temporal is absent" in every.detail


def test_without_holdings_the_rest_goes_on(tmp_path: Path) -> None:
    folder = bank.write_tables(
        tmp_path / "t", bank.standard(), shards=1, tables=("customers", "transactions")
    )
    schema, _ = schema_of(folder, bank.features())
    status = {name: group["status"] for name, group in schema["groups"].items()}
    assert status["product_holdings"] == status["derived_temporal"] == "absent"
    assert status["txn_behavior"] == "present"
    # What a monthly snapshot would tell is missing for everyone: dropped by name, not zero.
    assert "income" in schema["groups"]["demographics"]["dropped"]
    assert schema["experts"]["lightgcn"]["status"] == "present"


def test_a_required_column_without_values_makes_the_group_absent(tmp_path: Path) -> None:
    rows = bank.make_bank()
    for row in rows.transactions:
        row["category"] = None
    folder = bank.write_tables(tmp_path / "t", rows, shards=1)
    schema, _ = schema_of(folder, bank.features())
    group = schema["groups"]["mcc_top30_multihot"]
    assert group["reason"] == "needs transactions.category: no value up to the fit cut-off"


def test_values_that_come_only_after_the_cut_off_do_not_make_a_group_present(
    tmp_path: Path,
) -> None:
    rows = bank.make_bank()
    rows.transactions[:] = [r for r in rows.transactions if r["ts"].date() > bank.CUTOFF]
    schema, _ = schema_of(bank.write_tables(tmp_path / "t", rows, shards=1), bank.features())
    assert schema["groups"]["txn_behavior"]["status"] == "absent"


def test_a_disabled_group_is_absent_for_that_reason(tables: Path) -> None:
    raw = bank.features().model_dump(mode="json")
    raw["groups"][0]["enabled"] = False
    schema, _ = schema_of(tables, FeaturesSettings.model_validate(raw), shards=2)
    assert schema["groups"]["demographics"]["reason"] == "switched off in feature_groups.yaml"


def test_merchants_that_a_bank_does_not_have_are_replaced_by_categories(tmp_path: Path) -> None:
    rows = bank.make_bank()
    for row in rows.transactions:
        row["merchant"] = None
    schema, _ = schema_of(bank.write_tables(tmp_path / "t", rows, shards=1), bank.features())
    kinds = {item.split(":")[0] for item in schema["vocabularies"]["items"]}
    assert kinds == {"product", "category"}


def test_a_dropped_column_blocks_only_where_the_bank_is_our_own(tmp_path: Path) -> None:
    rows = bank.make_bank()
    for row in rows.customer_months:
        row["income"] = 5
    model = bank.fitted(
        bank.write_tables(tmp_path / "t", rows, shards=1), bank.few_groups(), shards=1
    )
    free, strict = (dropped_columns(model, strict=strict) for strict in (False, True))
    assert (free.passed, free.blocking) == (False, False)
    assert (strict.passed, strict.blocking) == (False, True)
    assert "demographics.income (the same for everyone)" in strict.detail
    assert free.value == len([name for group in model.groups for name in group.dropped])


def test_the_fit_sample_is_by_hash_bounded_and_in_order() -> None:
    everyone = [f"C{number}" for number in range(500)]
    sample = fit_sample(everyone, most=100, salt="a")
    assert len(sample) == 100
    assert sample == sorted(sample)
    assert sample == fit_sample(list(reversed(everyone)), most=100, salt="a")
    assert sample != fit_sample(everyone, most=100, salt="b")
    assert sample != sorted(everyone)[:100]
    # A bigger bank keeps those whose hash is low: the sample does not depend on who is asked first.
    assert set(fit_sample(everyone, most=50, salt="a")) < set(sample)


def test_only_train_customers_are_fitted_on(tables: Path, tmp_path: Path) -> None:
    """Customers whose rows are not of the train split change no fitted byte."""
    output = bank.write_examples(tmp_path / "o", bank.standard())
    strangers = {row["customer_id"] for row in bank.standard().customers[:20]}
    for path in (output / "examples").iterdir():
        table = pq.read_table(path).to_pylist()
        for row in table:
            if row["customer_id"] in strangers and row["split"] == "train":
                row["split"] = "test"
        pq.write_table(pa.Table.from_pylist(table, schema=pq.read_schema(path)), path)
    rows = bank.make_bank()
    for table_name in ("customer_months", "transactions"):
        for row in rows.of(table_name):
            if row["customer_id"] in strangers:
                row["channel"] = "odd"
    for row in rows.transactions:
        if row["customer_id"] in strangers:
            row |= {"amount": row["amount"] * 10, "category": bank.CATEGORIES[-1]}
    changed = bank.write_tables(tmp_path / "tables", rows, shards=2)
    settings = bank.features()
    files = []
    for where in (tables, changed):
        bank.run(where, output, settings)
        files.append({p.name: p.read_bytes() for p in (output / "fitted").iterdir()})
    assert files[0] == files[1]


def test_an_empty_fit_population_says_what_to_do(tables: Path) -> None:
    with pytest.raises(FeatureError, match="no train customer is observed"):
        fit(
            bank.sources(tables),
            customers=[],
            cutoff=bank.CUTOFF,
            bank=bank.bank_facts(),
            settings=bank.few_groups(),
            clock=Clock(),
        )


def test_nothing_in_the_artefacts_tells_the_time_of_the_run(clean: Clean) -> None:
    assert clean.made.clock.seconds["demographics"] > 0
    text = b"".join(p.read_bytes() for p in clean.output.rglob("*.json"))
    assert b"seconds" not in text

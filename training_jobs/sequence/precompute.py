"""The encoder ahead of Phase 0: learnt once where it is fast, handed on as the fitted files."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from configs.contracts.artefacts import canonical_json
from configs.errors import ArtefactError, SettingsError
from configs.settings.dataset import DatasetSettings
from configs.settings.features import FeaturesSettings, Group
from training_jobs.features.bank import read_bank
from training_jobs.features.cut import Limits, cut
from training_jobs.features.examples import Examples
from training_jobs.features.fitting import fit_sample
from training_jobs.features.generator import Fitted
from training_jobs.features.generators.mamba import MambaTemporal
from training_jobs.features.registry import GENERATORS
from training_jobs.features.requirements import unmet
from training_jobs.features.sources import SHARD_FILE, Sources, find
from training_jobs.features.store import input_files, read_fitted, write_fitted
from training_jobs.sequence.machine import Machine

GENERATOR = "mamba_temporal"
FITTED, EMBEDDINGS, ACCOUNT_NAME = "fitted", "embeddings", "mamba.json"


def group_of(features: FeaturesSettings) -> Group:
    """Return the group that the encoder makes.

    Raises:
        SettingsError: there is none, or more than one.
    """
    found = [group for group in features.groups if group.generator == GENERATOR]
    if len(found) != 1:
        raise SettingsError(
            f"{len(found)} feature groups have the generator '{GENERATOR}'",
            remedy="give feature_groups.yaml exactly one",
        )
    return found[0]


def write_account(output: Path, group: Group, fitted: Fitted | None, reason: str) -> None:
    """Write what was learnt, with what, or why there is nothing."""
    account = {
        "group": group.name,
        "absent": reason or None,
        "parameters": group.parameters.model_dump(mode="json"),
        "pretraining": fitted.values.get("pretraining") if fitted is not None else None,
    }
    (output / ACCOUNT_NAME).write_bytes(canonical_json(account))


def read_given(folder: Path, features: FeaturesSettings) -> dict[str, Fitted]:
    """Return the parameters that the Mamba stage left for Phase 0, by group.

    Raises:
        ArtefactError: they were learnt for another group or with other parameters.
    """
    account = json.loads((folder / ACCOUNT_NAME).read_text())
    group = group_of(features)
    wanted = (group.name, group.parameters.model_dump(mode="json"))
    if (account["group"], account["parameters"]) != wanted:
        raise ArtefactError(
            f"{folder / ACCOUNT_NAME}: the encoder was learnt with other parameters than those "
            f"of feature group '{group.name}'",
            remedy="run the mamba stage again",
        )
    if account["absent"] is not None:
        return {}
    return {group.name: read_fitted(folder / FITTED, group.name)}


class Precompute:
    """Learns the encoder of one bank and embeds its customers."""

    def __init__(
        self,
        tables: Path,
        examples: Path,
        *,
        dataset: DatasetSettings,
        features: FeaturesSettings,
        machine: Machine,
    ) -> None:
        """Keep what the work needs.

        Args:
            tables: the canonical tables, one file a shard.
            examples: examples of every split, one file a shard: who is learnt from and embedded.
            dataset: calendar and splits.
            features: the groups and the fit sample.
            machine: what to run on.
        """
        self.sources: Sources = find(tables)
        self.examples, self.dataset, self.features = Examples(examples), dataset, features
        self.machine = machine
        self.group = group_of(features)
        self.limits = Limits(features.memory, features.threads)
        self.bank = read_bank(tables, dataset)
        made = GENERATORS.build(GENERATOR, self.group.parameters, self.bank)
        assert isinstance(made, MambaTemporal)
        self.generator = made

    def learn(self, output: Path) -> tuple[Fitted | None, str]:
        """Learn on the fit sample at the fit cut-off and write the files that Phase 0 reads.

        Returns:
            The parameters, or None and the reason why this bank has none.
        """
        cutoff = self.dataset.fit_cutoff
        sample = fit_sample(
            self.examples.train_customers(self.sources.shards, cutoff),
            most=self.features.fit.customers,
            salt=self.features.fit.salt,
        )
        with cut(
            self.sources,
            customers=sample,
            as_of=cutoff,
            lookback_months=self.bank.lookback_months,
            limits=self.limits,
        ) as view:
            if off := unmet(self.group, view, self.bank):
                return None, off.reason
            fitted = self.generator.learn(view, self.machine)
        write_fitted(output / FITTED, input_files(self.group.name, fitted))
        return fitted, ""

    def embed(self, fitted: Fitted, shard: int, output: Path) -> int:
        """Write one shard's embeddings at every `as_of`, rows as in its examples.

        Returns:
            The rows written.
        """
        names = [column.name for column in self.generator.columns(fitted)]
        parts: list[pa.Table] = []
        for batch in self.examples.batches(shard, self.features.batch_customers):
            values = np.full((batch.keys.num_rows, len(names)), np.nan, np.float32)
            for as_of, customers, places in batch.by_as_of():
                with cut(
                    self.sources.shard(shard),
                    customers=customers,
                    as_of=as_of,
                    lookback_months=self.bank.lookback_months,
                    limits=self.limits,
                ) as view:
                    values[places] = self.generator.embed(view, fitted, self.machine)
            table = batch.keys
            for place, name in enumerate(names):
                column = pa.array(values[:, place].copy(), pa.float32(), from_pandas=True)
                table = table.append_column(pa.field(name, pa.float32()), column)
            parts.append(table)
        if not parts:
            return 0
        path = output / EMBEDDINGS / SHARD_FILE.format(shard=shard)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whole or absent: an interrupted shard is made again, a finished one is passed over.
        beside = path.with_suffix(".partial")
        pq.write_table(pa.concat_tables(parts), beside)
        beside.rename(path)
        return sum(part.num_rows for part in parts)

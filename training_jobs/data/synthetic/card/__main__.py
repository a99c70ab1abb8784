"""Command line of the card: `python -m training_jobs.data.synthetic.card`."""

import argparse
import json
import sys
from pathlib import Path

from configs.contracts.artefacts import canonical_json
from configs.contracts.storage import ORIGIN_FILE
from configs.errors import SevenLensError
from configs.settings.base import CONFIGS, load
from configs.settings.dataset import Catalogue, DatasetSettings
from training_jobs.data.reference import category_table
from training_jobs.data.synthetic.card.facts import count_all
from training_jobs.data.synthetic.card.page import page
from training_jobs.data.synthetic.card.source import open_source
from training_jobs.data.synthetic.writing import CATALOGUE_FILE

DATASET_FILE = CONFIGS / "datasets" / "synthetic.yaml"


def _category_names() -> dict[str, str]:
    tree = load(DatasetSettings, DATASET_FILE).categories
    rows = category_table(tree).to_pylist() if tree is not None else []
    return {row["code"]: row["name_en"] for row in rows}


def main(arguments: list[str] | None = None) -> int:
    """Write the card and, beside it, what it shows as JSON; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training_jobs.data.synthetic.card",
        description="Draw one page that shows whether a synthetic bank behaves like a bank.",
        epilog="example: python -m training_jobs.data.synthetic.card --data build/data/bank "
        "--truth build/data/bank.truth --out out/data-card.html",
    )
    parser.add_argument("--data", type=Path, required=True, help="data folder")
    parser.add_argument(
        "--truth", type=Path, help="folder of latent paths and causes (default: <data>.truth)"
    )
    parser.add_argument("--out", type=Path, required=True, help="the page, e.g. data-card.html")
    given = parser.parse_args(arguments)
    truth = given.truth or given.data.with_name(given.data.name + ".truth")
    catalogue = load(Catalogue, CATALOGUE_FILE)
    try:
        with open_source(given.data, truth, catalogue) as source:
            found = count_all(source)
    except SevenLensError as error:
        print(error, file=sys.stderr)
        return 1
    origin = json.loads((given.data / ORIGIN_FILE).read_text())
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.with_suffix(".json").write_bytes(canonical_json({"origin": origin, **found}))
    drawn = page(found, origin=origin, catalogue=catalogue, categories=_category_names())
    given.out.write_text(drawn, encoding="utf-8")
    print(f"{given.out} ({len(drawn):,} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make bench-santander`: the Santander adapter at full size: seconds, rows/s, peak memory.

The file is generated in the format of Kaggle's `train_ver2.csv` (941,000 customers give 13.6
million rows, about 2 GB), the same bytes for the same number of customers. It is converted by a
process of its own under the memory limit of the data set's YAML, contract check included, and
labelled by that process for all splits.
"""

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from benchmarks.record import Figure, publish
from configs.settings.base import CONFIGS, load
from configs.settings.dataset import load_dataset
from configs.settings.tasks import TasksSettings
from training_jobs.data.canonical import TABLES_FOLDER, convert
from training_jobs.tasks.examples import write_examples

CUSTOMERS = 941_000
FLAGS = (
    "ahor_fin", "aval_fin", "cco_fin", "cder_fin", "cno_fin", "ctju_fin", "ctma_fin", "ctop_fin",
    "ctpp_fin", "deco_fin", "deme_fin", "dela_fin", "ecue_fin", "fond_fin", "hip_fin", "plan_fin",
    "pres_fin", "reca_fin", "tjcr_fin", "valo_fin", "viv_fin", "nomina", "nom_pens", "recibo",
)  # fmt: skip
HELD_PER_MILLE = {"cco_fin": 600, "recibo": 130, "nom_pens": 60, "nomina": 55, "cno_fin": 80}
RARE_PER_MILLE = 15

# Seven of ten customers stand in all 17 months, the others from some month on.
LINES = """
    SELECT strftime(month, '%Y-%m-28') AS fecha_dato, lpad(CAST(ncodpers AS VARCHAR), 7, ' ')
      AS ncodpers, 'N' AS ind_empleado, 'ES' AS pais_residencia,
      CASE person % 2 WHEN 0 THEN 'H' ELSE 'V' END AS sexo,
      lpad(CAST(20 + person % 70 AS VARCHAR), 3, ' ') AS age,
      strftime(DATE '1995-01-15' + CAST(person % 7000 AS INTEGER), '%Y-%m-%d') AS fecha_alta,
      ' 0' AS ind_nuevo,
      CASE WHEN person % 997 = 0 THEN '-999999' ELSE lpad(CAST(person % 250 AS VARCHAR), 7, ' ')
        END AS antiguedad,
      ' 1' AS indrel, '' AS ult_fec_cli_1t, '1.0' AS indrel_1mes, 'A' AS tiprel_1mes,
      'S' AS indresi, 'N' AS indext, '' AS conyuemp,
      CASE person % 3 WHEN 0 THEN 'KHE' WHEN 1 THEN 'KAT' ELSE 'KFC' END AS canal_entrada,
      'N' AS indfall, ' 1' AS tipodom, '28' AS cod_prov,
      CASE person % 4 WHEN 0 THEN 'CORUÑA, A' WHEN 1 THEN 'BARCELONA' ELSE 'MADRID' END AS nomprov,
      CAST(person // 8 % 2 AS VARCHAR) AS ind_actividad_cliente,
      CASE person // 16 % 4 WHEN 0 THEN '         NA'
        ELSE CAST(10000 + person % 20000000 / 100 AS VARCHAR) END AS renta,
      CASE person % 5 WHEN 0 THEN '01 - TOP' WHEN 1 THEN '03 - UNIVERSITARIO'
        ELSE '02 - PARTICULARES' END AS segmento, {flags}
    FROM (
      SELECT 15889 + place AS ncodpers, hash(place) AS person, month, turn
      FROM range({customers}) AS people(place),
        (SELECT last_day(CAST(month AS DATE)) AS month, row_number() OVER (ORDER BY month) AS turn
         FROM generate_series(DATE '2015-01-01', DATE '2016-05-01', INTERVAL 1 MONTH) AS s(month))
      WHERE hash(place + 77) % 10 < 7 OR turn > hash(place + 99) % 17
    )
"""


def generate(folder: Path, customers: int) -> int:
    """Write `train_ver2.csv`; return its rows."""
    folder.mkdir(parents=True)
    # A product is given up or taken up when the customer's and the month's draws meet.
    flags = ", ".join(
        f"CASE WHEN hash(ncodpers + {place + 1} * 10000000) % 1000 "
        f"< {HELD_PER_MILLE.get(flag, RARE_PER_MILLE)} + 5 * (hash(person + turn) % 3) "
        f"THEN '1' ELSE '0' END AS ind_{flag}_ult1"
        for place, flag in enumerate(FLAGS)
    )
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '2GB'")
        query = LINES.format(flags=flags, customers=customers)
        written = connection.execute(
            f"COPY ({query}) TO '{folder / 'train_ver2.csv'}' (FORMAT csv, HEADER)"
        )
        return int(written.fetchall()[0][0])


@dataclass(frozen=True)
class _Spent:
    """What a process took.

    Attributes:
        wall: seconds of conversion.
        processor: likewise, processor seconds.
        labels: seconds of labelling.
        examples: rows labelled.
        peak: resident bytes of the whole.
        fault: the first thing that is wrong with the file.
    """

    wall: float
    processor: float
    labels: float
    examples: int
    peak: int
    fault: str | None


def _convert(raw: Path, output: Path) -> _Spent:
    """Convert and label in this process."""
    dataset = load_dataset("santander")
    output.mkdir()
    begun = time.perf_counter()

    def tell(done: int, total: int, what: str) -> None:
        if done % dataset.shards == 0 or done == total:
            print(
                f"[progress] {time.perf_counter() - begun:6.0f} s {done}/{total} {what}", flush=True
            )

    faults, _ = convert(dataset, raw=raw, output=output, progress=tell)
    converted, processor = time.perf_counter(), time.process_time()
    examples = 0
    if not faults:
        tasks = load(TasksSettings, CONFIGS / "pipeline" / "tasks.yaml")
        report = write_examples(output / TABLES_FOLDER, output / "x", dataset=dataset, tasks=tasks)
        examples = sum(report["rows"].values())
    return _Spent(
        converted - begun,
        processor,
        time.perf_counter() - converted,
        examples,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        faults[0].headline() if faults else None,
    )


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--scratch", type=Path, help="where the file is put (default: temporary)")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="sevenlens-bench-", dir=given.scratch) as temporary:
        scratch = Path(temporary)
        begun = time.perf_counter()
        rows = generate(scratch / "raw", given.customers)
        generated = time.perf_counter() - begun
        raw_bytes = (scratch / "raw" / "train_ver2.csv").stat().st_size
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            spent = pool.submit(_convert, scratch / "raw", scratch / "out").result()
        if spent.fault is not None:
            raise SystemExit(f"the generated file breaks the contract: {spent.fault}")
        written = sum(
            path.stat().st_size for path in (scratch / "out" / TABLES_FOLDER).rglob("*.*")
        )
    publish(
        "santander",
        [
            Figure("santander.convert", "s", (spent.wall,)),
            Figure("santander.convert_processor", "s", (spent.processor,)),
            Figure("santander.rows_per_second", "rows/s", (rows / spent.wall,)),
            Figure("santander.labels", "s", (spent.labels,)),
            Figure("santander.examples", "count", (float(spent.examples),)),
            Figure("santander.peak_rss", "bytes", (float(spent.peak),)),
            Figure("santander.generate", "s", (generated,)),
            Figure("santander.rows", "count", (float(rows),)),
            Figure("santander.raw", "bytes", (float(raw_bytes),)),
            Figure("santander.written", "bytes", (float(written),)),
        ],
        packages=("duckdb",),
        extra={"customers": given.customers},
    )


if __name__ == "__main__":
    main()

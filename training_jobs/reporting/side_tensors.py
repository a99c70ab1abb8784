"""Lists of a side tensor for rows of a sample, read in batches so that memory stays bounded."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from configs.contracts.stages import Stage
from training_jobs.reporting.documents import Document, Inputs, NotAvailable
from training_jobs.reporting.sample import Chosen, Sample

BATCH_ROWS = 20_000
PRESENT = "present"


def require(schema: Document, tensor: str) -> None:
    """Raise NotAvailable with the reason where a side tensor is not there."""
    tensors = schema["tensors"]
    if tensor not in tensors:
        raise NotAvailable(f"the features have no side tensor '{tensor}'")
    if tensors[tensor]["status"] != PRESENT:
        raise NotAvailable(f"side tensor '{tensor}' is absent: {tensors[tensor]['reason']}")


def read_lists(
    inputs: Inputs, sample: Sample, tensor: str, fields: Sequence[str], rows: NDArray[np.int64]
) -> pa.Table:
    """Return fields of a side tensor for the given rows of the sample, in their order.

    Raises:
        NotAvailable: the tensor lacks a part or a field.
    """
    batches = [batch for chosen in sample.chosen for batch in _part(inputs, tensor, chosen, fields)]
    return pa.Table.from_batches(batches).take(pa.array(rows))


def _part(
    inputs: Inputs, tensor: str, chosen: Chosen, fields: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    file = pq.ParquetFile(inputs.file(Stage.PHASE0, f"{tensor}/{chosen.part}"))
    if lacking := sorted(set(fields) - set(file.schema_arrow.names)):
        raise NotAvailable(f"side tensor '{tensor}' has no field {', '.join(lacking)}")
    start = 0
    for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(fields)):
        yield batch.filter(pa.array(chosen.rows[start : start + batch.num_rows]))
        start += batch.num_rows

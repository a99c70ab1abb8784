"""Delivering data: the prefix is the content, an interrupted upload is completed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from configs.contracts.storage import TRUTH_MARK
from operations.access import OperationError
from operations.raw_data import data_hash, upload

BUCKET = "lake"


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "sub" / "b.csv").write_text("y\n2\n")
    return tmp_path


def keys(s3: Any) -> set[str]:
    return {item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def test_upload_lands_below_the_hash_of_the_content(s3: Any, folder: Path) -> None:
    hash_ = data_hash(folder)
    uri = upload(s3, bucket=BUCKET, folder=folder, hash_=hash_)
    assert uri == f"s3://{BUCKET}/raw/{hash_}/"
    assert keys(s3) == {f"raw/{hash_}/a.csv", f"raw/{hash_}/sub/b.csv"}


@pytest.mark.parametrize("change", ["content", "name", "removal"])
def test_hash_changes_with_the_data(folder: Path, change: str) -> None:
    before = data_hash(folder)
    if change == "content":
        (folder / "a.csv").write_text("x\n2\n")
    elif change == "name":
        (folder / "a.csv").rename(folder / "c.csv")
    else:
        (folder / "a.csv").unlink()
    assert data_hash(folder) != before


def test_hash_ignores_where_the_folder_is(folder: Path, tmp_path_factory: Any) -> None:
    copy = tmp_path_factory.mktemp("copy")
    for path in folder.rglob("*.csv"):
        target = copy / path.relative_to(folder)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    assert data_hash(copy) == data_hash(folder)


def test_interrupted_upload_is_completed(s3: Any, folder: Path) -> None:
    hash_ = data_hash(folder)
    s3.put_object(Bucket=BUCKET, Key=f"raw/{hash_}/a.csv", Body=b"x")
    upload(s3, bucket=BUCKET, folder=folder, hash_=hash_)
    body = s3.get_object(Bucket=BUCKET, Key=f"raw/{hash_}/a.csv")["Body"].read()
    assert body == b"x\n1\n"
    assert f"raw/{hash_}/sub/b.csv" in keys(s3)


def test_empty_folder_is_an_error(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="holds no files"):
        data_hash(tmp_path)
    assert keys(s3) == set()


def test_ground_truth_is_never_delivered(s3: Any, folder: Path) -> None:
    truth = folder / "bank.truth"
    truth.mkdir()
    (truth / TRUTH_MARK).write_text("{}")
    with pytest.raises(OperationError, match=r"bank\.truth holds the ground truth"):
        data_hash(folder)
    with pytest.raises(OperationError, match="never delivered"):
        upload(s3, bucket=BUCKET, folder=truth, hash_="0" * 24)
    assert not keys(s3)

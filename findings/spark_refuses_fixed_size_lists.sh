#!/usr/bin/env bash
# PySpark 4.0.1 (needs Java 17): DataFrame.mapInArrow declared as "y array<float>" takes Arrow's list of float32 only. A FixedSizeList, which is what
# a matrix is in Arrow, and a LargeList are refused when the batch comes back, though the elements are those that were declared and
# createDataFrame takes a table with the same FixedSizeList column as array<float>. The column has to be cast to pa.list_ first.
#
# Seen: "list: [0.0, 1.0]", "fixed_size_list: [UNSUPPORTED_ARROWTYPE] Unsupported arrow type FixedSizeList(2).",
# "large_list: [UNSUPPORTED_ARROWTYPE] Unsupported arrow type LargeList.", "createDataFrame of fixed_size_list: array<float>".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pyspark==4.0.1 pyarrow==26.0.1 pandas==3.1.1
"$folder/venv/bin/python" - <<'PYTHON'
import os
import sys

os.environ["PYSPARK_PYTHON"] = sys.executable
import pyarrow as pa
from pyspark.sql import SparkSession

session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
spark = session.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
spark.sparkContext.setLogLevel("OFF")
types = {"list": pa.list_(pa.float32()), "fixed_size_list": pa.list_(pa.float32(), 2), "large_list": pa.large_list(pa.float32())}


def column(rows, dtype):
    return pa.RecordBatch.from_arrays([pa.array([[2.0 * i, 2.0 * i + 1] for i in range(rows)], dtype)], ["y"])


def outcome(dtype):
    frame = spark.range(1).mapInArrow(lambda batches: (column(b.num_rows, dtype) for b in batches), "y array<float>")
    try:
        return str(frame.collect()[0].y)
    except Exception as error:
        return str(error).partition(" SQLSTATE")[0]


found = {name: outcome(dtype) for name, dtype in types.items()}
for name, text in found.items():
    print(f"{name}: {text}")
frame = spark.createDataFrame(pa.Table.from_batches([column(2, types["fixed_size_list"])]))
print("createDataFrame of fixed_size_list:", frame.schema["y"].dataType.simpleString())
taken = frame.collect()[1].y
spark.stop()
assert found["list"] == "[0.0, 1.0]" and taken == [2.0, 3.0], "changed"
assert all("UNSUPPORTED_ARROWTYPE" in found[name] for name in ("fixed_size_list", "large_list")), "both are taken now"
PYTHON

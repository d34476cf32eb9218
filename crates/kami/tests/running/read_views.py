"""Reads every view with tools that know nothing of Kami: sqlite3, csv, and DuckDB where it is installed.

Arguments: the file of the read models, and a directory with an export as CSV and as Parquet."""
import csv
import datetime
import json
import pathlib
import sqlite3
import sys

views, exported = sys.argv[1], pathlib.Path(sys.argv[2])
db = sqlite3.connect(f"file:{views}?mode=ro", uri=True)
db.row_factory = sqlite3.Row
names = [row[0] for row in db.execute(
    "SELECT DISTINCT table_name FROM sys_column WHERE column_name = '' ORDER BY 1")]
told = {"rows": {}, "instants": 0, "duckdb": None}
for name in names:
    rows = db.execute(f"SELECT * FROM {name}").fetchall()
    told["rows"][name] = len(rows)
    for row in rows:
        for column in row.keys():
            if column.endswith("_at") and row[column] is not None:
                instant = datetime.datetime.fromisoformat(row[column].replace("Z", "+00:00"))
                assert int(instant.timestamp()) == row[column[:-3] + "_epoch"], (name, column)
                told["instants"] += 1
    with open(exported / f"{name}.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(rows), name
    described = {row[0] for row in db.execute(
        "SELECT column_name FROM sys_column WHERE table_name = ? AND column_name <> ''", [name])}
    if lines:
        assert described <= set(lines[0]), name
    assert db.execute("SELECT COUNT(*) FROM _metabase_metadata WHERE keypath = ?", [f"{name}.description"]).fetchone()[0] == 1
try:
    db.execute("DELETE FROM sys_projection")
    sys.exit("a reader could write")
except sqlite3.OperationalError:
    pass
try:
    import duckdb
except ImportError:
    duckdb = None
if duckdb:
    told["duckdb"] = {}
    for name in names:
        relation = duckdb.sql(f"SELECT * FROM '{exported}/{name}.parquet'")
        counts = duckdb.sql(f"SELECT COUNT(*), COUNT(COLUMNS(*)) FROM '{exported}/{name}.parquet'").fetchall()[0]
        assert len(counts) == len(relation.columns) + 1 and max(counts) == counts[0], name
        told["duckdb"][name] = counts[0]
        types = dict(zip(relation.columns, map(str, relation.types)))
        for column, kind in types.items():
            assert not column.endswith("_at") or kind == "TIMESTAMP WITH TIME ZONE", (name, column, kind)
            assert not column.endswith("_date") or kind == "DATE", (name, column, kind)
print(json.dumps(told))

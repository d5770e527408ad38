#!/usr/bin/env python3
"""Reads our Arrow files with pyarrow, which shares no code with us, and prints what it finds as JSON.

usage: arrow_reader.py PATH...    each a dataset directory, a run directory or an .arrow file

For every file, in the order of names: schema name, rows, record batches, and for each column its type, whether it is
money, the sum of its values (of text: the bytes), the first and the last value, all as text. Exit 77 without pyarrow.
"""
import json
import os
import sys

try:
    import pyarrow as pa
    import pyarrow.ipc
except ImportError:
    print("skipped: pyarrow is not installed", file=sys.stderr)
    sys.exit(77)


def values_of(column):
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    elif pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return column.to_pylist()


def describe_column(field, column):
    values = values_of(column)
    text = bool(values) and isinstance(values[0], str)
    total = sum(len(v.encode()) if text else v for v in values)
    return {
        "name": field.name,
        "type": str(field.type),
        "scale": (field.metadata or {}).get(b"scale", b"").decode(),
        "sum": str(total),
        "first": str(values[0]) if values else "",
        "last": str(values[-1]) if values else "",
    }


def describe_file(path):
    with pa.memory_map(path) as source:
        reader = pa.ipc.open_file(source)
        table = reader.read_all()
        table.validate(full=True)
        assert all(not field.nullable for field in table.schema), path + ": a column is nullable"
        assert all(column.null_count == 0 for column in table.columns), path + ": a column has nulls"
        for i in range(reader.num_record_batches):
            metadata = reader.get_batch_with_custom_metadata(i).custom_metadata
            assert len(metadata[b"tollmill.xxh3"]) % 32 == 0, path + ": checksums"
        return {
            "schema": table.schema.metadata[b"tollmill.schema"].decode(),
            "rows": table.num_rows,
            "batches": reader.num_record_batches,
            "columns": [describe_column(table.schema.field(i), table.column(i)) for i in range(table.num_columns)],
        }


def main():
    files = []
    for argument in sys.argv[1:]:
        if not os.path.isdir(argument):
            files.append((os.path.basename(argument), argument))
        for folder, _, names in os.walk(argument):
            for name in names:
                path = os.path.join(folder, name)
                files.append((os.path.relpath(path, argument), path))
    dump = {name: describe_file(path) for name, path in sorted(files) if name.endswith(".arrow")}
    json.dump(dump, sys.stdout, indent=2, ensure_ascii=False)
    print()


main()

"""Stage `faces`: any data set in one form, aligned and split.

Writes `data/faces`:

shards/*.parquet    a row a face: aligned square pictures, split, style (`ingest.COLUMNS`)
index.parquet       a row a face: split, style, source, shard, fields (`index.INDEX_COLUMNS`)
quarantine.parquet  what was left out, and why (`index.QUARANTINE_COLUMNS`)
duplicates.parquet  photos that occur more than once (`index.DUPLICATES_COLUMNS`)
dataset.json        name, size, framing, and counts
"""

"""Stage `edits`: pairs of drawings of one built-in face that differ in one place.

Writes `data/edits`: `shards/*.parquet` (`edit_table.COLUMNS`), `edits.json` (what there is) and
`quarantine.parquet`. Other data sets have no exact photos of an edited drawing: their table has no
rows, and `edits.json` says why.
"""

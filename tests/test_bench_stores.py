"""Parquet is written with every column; a store that is not installed is named and not compared."""

import pyarrow.parquet as pq

from simulators.bench import evidence, servers, stores


def test_a_small_plant_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(servers.shutil, "which", lambda *_, **__: None)
    read = evidence.readings(2, 30, seed=1)
    (parquet, parquet_bytes), (other, other_bytes) = stores.sizes(read, tmp_path)
    assert (parquet, other, other_bytes) == ("Parquet, delta and zstd", "VictoriaMetrics, one time", None)
    assert parquet_bytes == (tmp_path / "readings.parquet").stat().st_size
    rows = pq.read_table(tmp_path / "readings.parquet").to_pydict()
    assert rows["energy_wh"] == [*read.energy_wh[0], *read.energy_wh[1]]
    assert [at * evidence.MS for at in rows["answered_ms"][:30]] == read.answered_ns[0].tolist()

"""MIMIC-IV as it is shipped: `hosp/*.csv.gz`, read by name and as text, in bounded memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medsuite.bench.clinical.sources.catalog import FINGERPRINTS, NEEDED, OPTIONAL
from medsuite.bench.clinical.sources.files import explain_read_error, find_table, read_header
from medsuite.core.errors import InputError, require

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EXTRA = "medsuite-bench[clinical]"
DRUG_MAP = "ndc_atc.csv"
DRUG_COLUMNS = ("ndc", "atc", "name")


@dataclass(frozen=True)
class MimicIV:
    """A folder in the layout of MIMIC-IV.

    Attributes:
        folder: The folder that holds `hosp`, or `hosp` itself.
        tables: File of each table that is there.
        columns: Columns of each table, in the order of its file.
        drug_map: Table of National Drug Codes, ATC level-3 codes and names.
    """

    folder: Path
    tables: Mapping[str, Path]
    columns: Mapping[str, tuple[str, ...]]
    drug_map: Path

    @property
    def simulated(self) -> bool:
        """Whether the folder says that its patients are simulated."""
        return (self.folder / "SIMULATED.txt").is_file()

    def select(self, connection: "DuckDBPyConnection", query: str, table: str, **tables: str) -> "DuckDBPyConnection":
        """Run a query over a table, `{source}` in its text, and name the file where it cannot be read.

        Args:
            connection: A DuckDB connection.
            query: SQL with `{source}` where the table stands.
            table: Name of the table.
            tables: Further placeholders and the names of their tables.

        Raises:
            InputError: The file is cut off, has rows of another width or is no text.
        """
        import duckdb

        sources = {name: self.scan(of) for name, of in tables.items()}
        try:
            return connection.execute(query.format(source=self.scan(table), **sources))
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise explain_read_error(self.tables[table], error) from error

    def read_drug_map(self, connection: "DuckDBPyConnection") -> list[tuple[str | None, ...]]:
        """Read the rows of the drug map: National Drug Code, ATC code and name, as text.

        Raises:
            InputError: The file is cut off, has rows of another width or is no text.
        """
        import duckdb

        path = str(self.drug_map).replace("'", "''")
        names = ", ".join(f"'{name}': 'VARCHAR'" for name in read_header(self.drug_map, DRUG_COLUMNS))
        dialect = "header=true, auto_detect=false, delim=',', quote='\"', escape='\"', nullstr=''"
        query = f"select ndc, atc, name from read_csv('{path}', {dialect}, columns={{{names}}})"  # noqa: S608
        try:
            return connection.execute(query).fetchall()
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise explain_read_error(self.drug_map, error) from error

    def scan(self, table: str) -> str:
        """Return the SQL expression that scans a table, every column as text.

        Sniffing types would turn codes into numbers: cholera, "0010", would become 10.
        """
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in self.columns[table])
        path = str(self.tables[table]).replace("'", "''")
        dialect = "header=true, auto_detect=false, delim=',', quote='\"', escape='\"', nullstr=''"
        return f"read_csv('{path}', {dialect}, columns={{{columns}}})"

    def count_rows(self, connection: "DuckDBPyConnection") -> dict[str, int]:
        """Count the rows of each table: the fingerprint of a version."""
        counts = {}
        for table in self.tables:
            row = self.select(connection, "select count(*) from {source}", table).fetchone()
            counts[table] = int(row[0]) if row else 0
        return counts


def open_source(folder: Path, drug_map: Path | None = None) -> MimicIV:
    """Open a folder in the layout of MIMIC-IV; its tables are checked, not read.

    Args:
        folder: The folder that holds `hosp`, or `hosp` itself.
        drug_map: CSV with columns `ndc`, `atc` and `name`; `ndc_atc.csv` in the folder when left out.

    Raises:
        InputError: The folder, a table, a column or the drug map is missing, or a file is not what its name says.
        MissingDependencyError: DuckDB is not installed.
    """
    require("duckdb", extra=EXTRA)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder", expected="the folder of MIMIC-IV that holds hosp/")
    root, hosp = (folder, folder / "hosp") if (folder / "hosp").is_dir() else (folder.parent, folder)
    tables = {}
    for table in NEEDED:
        path = find_table(hosp, table)
        if path is not None:
            tables[table] = path
        elif table not in OPTIONAL:
            raise InputError(
                f"{hosp / table}.csv.gz does not exist", expected="MIMIC-IV's hosp folder, all three tasks need it"
            )
    columns = {table: read_header(path, NEEDED[table]) for table, path in tables.items()}
    return MimicIV(root, tables, columns, _find_drug_map(root, drug_map))


def guess_version(counts: Mapping[str, int]) -> tuple[str | None, list[str]]:
    """Guess the released version from row counts, and list the tables that do not fit it.

    Args:
        counts: Rows of each table.

    Returns:
        The version of whose tables at least half fit, or None; and one line for each of its tables that does not fit.
    """
    for version, expected in FINGERPRINTS.items():
        wrong = [name for name, rows in expected.items() if counts.get(name) != rows]
        if 2 * len(wrong) < len(expected):
            return version, [
                f"{name}: {counts.get(name, 0):,} rows, {version} has {expected[name]:,}" for name in wrong
            ]
    return None, []


def _find_drug_map(root: Path, given: Path | None) -> Path:
    path = given or root / DRUG_MAP
    if not path.is_file():
        raise InputError(
            f"{path} does not exist",
            expected="a CSV of drug codes with columns ndc, atc, name (ATC level 3)",
            fix="MIMIC-IV ships no such map and its sources may not be redistributed; name yours with --drug-map",
        )
    read_header(path, DRUG_COLUMNS)
    return path

"""The tables of the benchmarks."""

from rich.console import Console

from bench.load_generator import Sample
from bench.report import show

_FINDINGS = {
    "GET /x": {
        "CloudMart": [Sample(100, 8, 20, 2.0), Sample(50, 16, 40, 6.0)],
        "bare FastAPI": [Sample(1000, 1, 2, 0.5), Sample(500, 2, 4, 1.0)],
        "bare aioboto3": [Sample(200, 4, 8, 1.5), Sample(100, 8, 16, 2.0)],
    }
}


def test_ratios_are_taken_round_by_round_and_to_both_ceilings_added() -> None:
    console = Console(width=150)

    with console.capture() as shown:
        show({"engine": "a test"}, _FINDINGS, console)

    rows = [line.split("|")[2:-1] for line in shown.get().splitlines() if "GET /x" in line]
    cells = [[cell.strip().replace("\N{EN DASH}", " to ") for cell in row] for row in rows]
    assert cells[0] == [
        *("CloudMart", "75.0 (50.0 to 100)", "12.0 (8.00 to 16.0)", "30.0 (20.0 to 40.0)"),
        "4.00 (2.00 to 6.00)",
    ]
    assert cells[3:] == [
        ["bare FastAPI", "0.100", "10.0", "5.00 (4.00 to 6.00)"],
        ["bare aioboto3", "0.500", "2.50", "2.17 (1.33 to 3.00)"],
        ["both ceilings, added", "", "", "1.50 (1.00 to 2.00)"],
    ]

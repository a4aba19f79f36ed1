"""Table: one printed line per demand, with pass or short."""

from __future__ import annotations


class Table:
    """Prints each row as it is measured and counts in ``short`` those that miss their floor."""

    def __init__(self) -> None:
        self.short = 0
        print(f"{'row':<58}{'measured':>14}{'floor':>9}{'aim':>9}")

    def row(
        self,
        name: str,
        value: float,
        floor: float,
        aim: float,
        unit: str = "",
        *,
        most: bool = False,
        digits: int = 2,
    ) -> None:
        """``most``: floor and aim are the most allowed, else the least."""

        def met(limit: float) -> bool:
            return value <= limit if most else value >= limit

        verdict = "aim" if met(aim) else "pass" if met(floor) else "SHORT"
        self.short += verdict == "SHORT"
        print(
            f"{name:<58}{value:>9.{digits}f} {unit:<4}{floor:>9g}{aim:>9g}  {verdict}", flush=True
        )

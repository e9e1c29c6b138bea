"""What the shop refuses."""

from __future__ import annotations


class Refused(Exception):
    """The shop said no, for a reason that `problem` has."""

    def __init__(self, problem: object) -> None:
        super().__init__(getattr(problem, "detail", "the answer cannot be read"))
        self.problem = problem

"""What `diagnose` returns: findings, in words."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Finding:
    """Something wrong with a network.

    Attributes
    ----------
    problem : str
        The problem, in a few words.
    evidence : str
        The measurements that show it.
    advice : str
        What to try.
    """

    problem: str
    evidence: str
    advice: str

    def __str__(self) -> str:
        text = f"{self.problem}: {self.evidence} {self.advice}"
        return textwrap.fill(text, 88, initial_indent="* ", subsequent_indent="  ")


class Diagnosis(tuple[Finding, ...]):
    """The findings of `diagnose`, empty if there are none; ``print`` shows them in words.

    Parameters
    ----------
    findings : iterable of Finding
        What is wrong.
    notes : tuple of str, default=()
        Sentences on what could not be examined; stored as the attribute `notes`.
    """

    notes: tuple[str, ...]

    def __new__(cls, findings: Iterable[Finding] = (), notes: tuple[str, ...] = ()) -> Self:
        diagnosis = super().__new__(cls, findings)
        diagnosis.notes = notes
        return diagnosis

    def __str__(self) -> str:
        words = list(map(str, self)) or ["Nothing wrong was found."]
        return "\n".join([*words, *(textwrap.fill(note, 88) for note in self.notes)])

    __repr__ = __str__

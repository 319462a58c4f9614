"""What `diagnose` returns: findings, in words."""

import textwrap
from dataclasses import dataclass


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
    """The findings of `diagnose`, empty if there are none; ``print`` shows them in words."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "Nothing wrong was found."

    __repr__ = __str__

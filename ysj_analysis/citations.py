"""Which writings do a report's methods come from? Those whose methods its tables name, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WRITINGS = (
    (
        "Benjamini",
        "Benjamini Y, Hochberg Y (1995). Controlling the false discovery rate: a practical and powerful approach to "
        "multiple testing. Journal of the Royal Statistical Society B 57:289-300.",
    ),
    (
        "mid-P",
        "Berry G, Armitage P (1995). Mid-P confidence intervals: a brief review. The Statistician 44:417-423.",
    ),
    (
        "Byar",
        "Breslow NE, Day NE (1987). Statistical methods in cancer research, volume II. International Agency for "
        "Research on Cancer.",
    ),
    (
        "Dobson",
        "Dobson AJ, Kuulasmaa K, Eberle E, Scherer J (1991). Confidence intervals for weighted sums of Poisson "
        "parameters. Statistics in Medicine 10:457-462.",
    ),
    (
        "Fay-Feuer",
        "Fay MP, Feuer EJ (1997). Confidence intervals for directly standardized rates. Statistics in Medicine "
        "16:791-801.",
    ),
    (
        "Fieller",
        "Fieller EC (1954). Some problems in interval estimation. Journal of the Royal Statistical Society B "
        "16:175-185.",
    ),
    ("Firth", "Firth D (1993). Bias reduction of maximum likelihood estimates. Biometrika 80:27-38."),
    ("Garwood", "Garwood F (1936). Fiducial limits for the Poisson distribution. Biometrika 28:437-442."),
    (
        "Greenland-Robins|Mantel-Haenszel",
        "Greenland S, Robins JM (1985). Estimation of a common effect parameter from sparse follow-up data. "
        "Biometrics 41:55-68.",
    ),
    (
        "Kitagawa",
        "Kitagawa EM (1955). Components of a difference between two rates. Journal of the American Statistical "
        "Association 50:1168-1194.",
    ),
    (
        "Miettinen-Nurminen",
        "Miettinen O, Nurminen M (1985). Comparative analysis of two rates. Statistics in Medicine 4:213-226.",
    ),
    (
        "Newcombe",
        "Newcombe RG (1998). Interval estimation for the difference between independent proportions. Statistics in "
        "Medicine 17:873-890.",
    ),
    (
        "Wilson",
        "Wilson EB (1927). Probable inference, the law of succession, and statistical inference. Journal of the "
        "American Statistical Association 22:209-212.",
    ),
    (
        "MOVER|square-and-add",
        "Zou GY, Donner A (2008). Construction of confidence limits about effect measures: a general approach. "
        "Statistics in Medicine 27:1693-1702.",
    ),
)


def _cited(texts: Iterable[str]) -> list[str]:
    r"""List the writings behind the methods that some tables name.

    Parameters
    ----------
    texts : iterable of str
        The tables as CSV.

    Returns
    -------
    list of str
        In the order of their authors; none where no method is known.

    Examples
    --------
    >>> _cited(["group,method\nBlack,Wilson\n"])[0][:40]
    'Wilson EB (1927). Probable inference, th'
    """
    found = "\n".join(texts)
    return [writing for name, writing in _WRITINGS if re.search(name, found)]


def reference_list(texts: Iterable[str]) -> str:
    """Write the list of references as Markdown, under a heading of the last section; empty where nothing is cited.

    Parameters
    ----------
    texts : iterable of str
        The tables as CSV.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> reference_list([])
    ''
    """
    lines = "\n".join(f"- {writing}" for writing in _cited(texts))
    return f"### References\n\n{lines}" if lines else ""

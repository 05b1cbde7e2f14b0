"""People with hidden tastes: nothing that is served ever sees these."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from micromoments.simulate.city import City, Place

FIRST_NAMES = """
    Ada Aino Amir Anouk Bela Bo Carmen Chidi Clara Dario Deniz Edda Elif Emil Esme Farid Femi Greta Hana Hugo Ida Ines
    Ivo Jana Joel Jun Kaya Kofi Lena Levi Lior Luz Maja Malik Mara Mio Nadia Nils Noor Odile Omar Otto Pia Priya Quinn
    Rafa Rosa Sami Selma Sven Talia Theo Timo Uma Vera Viggo Wen Xenia Yara Yusuf Zofia
    """.split()  # noqa: SIM905 a list of names reads as names


class Consumer(msgspec.Struct, frozen=True):
    """One invented person.

    ``affinity`` sums to 1 over the categories; ``taste`` multiplies how much each item appeals (median 1);
    ``activity`` is visits a day; ``thrift`` in [0, 1] is how much a low price counts.
    """

    number: int
    id: str
    name: str
    home: Place
    work: Place
    device: str
    activity: float
    thrift: float
    affinity: NDArray[np.float64]
    taste: NDArray[np.float64]


def population(
    seed: int, size: int, city: City, categories: Sequence[str], catalogue_size: int
) -> tuple[Consumer, ...]:
    """Draw ``size`` people; the first n are the same for every size."""
    return tuple(_consumer(seed, n, city, categories, catalogue_size) for n in range(size))


def _consumer(seed: int, n: int, city: City, categories: Sequence[str], catalogue_size: int) -> Consumer:
    rng = np.random.default_rng([seed, 1, n])
    return Consumer(
        number=n,
        id=f"sim-{seed}-{n:04d}",
        name=FIRST_NAMES[int(rng.integers(len(FIRST_NAMES)))],
        home=city.corner(float(rng.random())),
        work=city.corner(float(rng.random())),
        device="mobile" if rng.random() < 0.78 else "desktop",
        activity=float(rng.gamma(3.0, 0.13)),
        thrift=float(rng.beta(2, 2)),
        affinity=rng.dirichlet(np.full(len(categories), 0.45)),
        taste=np.exp(rng.normal(0.0, 0.45, catalogue_size)),
    )

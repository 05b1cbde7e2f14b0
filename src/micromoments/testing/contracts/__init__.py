"""One contract suite a port. Subclass it, say how to open your adapter, and pytest runs the port's promises on it.

    class TestMyLog(LogContract):
        def open(self, folder):
            return MyLog(folder)

``open`` is called again on the same folder where a test is about what survives; ``close`` before that. What an
adapter can't do is declared: override that test, and say in its docstring what holds instead.
"""

from micromoments.testing.contracts.audit import AuditContract
from micromoments.testing.contracts.budgets import BudgetsContract
from micromoments.testing.contracts.catalogue import CatalogueContract
from micromoments.testing.contracts.channel import ChannelContract
from micromoments.testing.contracts.facts import FactsContract
from micromoments.testing.contracts.keeping import ArtifactsContract, PoliciesContract
from micromoments.testing.contracts.log import LogContract
from micromoments.testing.contracts.outbox import OutboxContract
from micromoments.testing.contracts.router import RouterContract
from micromoments.testing.contracts.seen import SeenContract
from micromoments.testing.contracts.state import StateContract

__all__ = [
    "ArtifactsContract",
    "AuditContract",
    "BudgetsContract",
    "CatalogueContract",
    "ChannelContract",
    "FactsContract",
    "LogContract",
    "OutboxContract",
    "PoliciesContract",
    "RouterContract",
    "SeenContract",
    "StateContract",
]

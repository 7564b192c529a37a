"""Funding: which account must hold what by when, and the cheapest way to get there."""

from settle.clearing.funding.accounts import CLIENTS, OWN, Account, Claim
from settle.clearing.funding.answer import Answer, answer
from settle.clearing.funding.arcs import Trade, Transfer
from settle.clearing.funding.assigning import (
    Assigned,
    Assignment,
    Unassigned,
    assign,
)
from settle.clearing.funding.holdings import spendable
from settle.clearing.funding.naive import naive_plan
from settle.clearing.funding.needs import ANYWHERE, CountryMatrix, Need, needs_of
from settle.clearing.funding.plan import FundingPlan, Hindrance, Infeasible, Move, Unfunded
from settle.clearing.funding.planning import plan
from settle.clearing.funding.posing import pose
from settle.clearing.funding.question import Funding
from settle.clearing.funding.reference import FundingReference
from settle.clearing.funding.rows import AccountRow, Place
from settle.clearing.funding.verifying import Check, Flaw, verify

__all__ = [
    "ANYWHERE",
    "CLIENTS",
    "OWN",
    "Account",
    "AccountRow",
    "Answer",
    "Assigned",
    "Assignment",
    "Check",
    "Claim",
    "CountryMatrix",
    "Flaw",
    "Funding",
    "FundingPlan",
    "FundingReference",
    "Hindrance",
    "Infeasible",
    "Move",
    "Need",
    "Place",
    "Trade",
    "Transfer",
    "Unassigned",
    "Unfunded",
    "answer",
    "assign",
    "naive_plan",
    "needs_of",
    "plan",
    "pose",
    "spendable",
    "verify",
]

"""The morning report: a frozen model, and the page and file a finance person reads."""

from settle.report.clearing import (
    FileIntake,
    Flow,
    InputFinding,
    Intake,
    Netting,
    ReasonCount,
    Settled,
    WindowClosed,
)
from settle.report.model import SCHEMA, ExitCode, Incident, MorningReport
from settle.report.page import page
from settle.report.payments import (
    ExceptionKind,
    ExceptionTotal,
    PaymentException,
    Payments,
    StateCount,
    StoryLine,
)
from settle.report.reconciliation import (
    AGES,
    Breaks,
    BreakTotal,
    CuredBreak,
    Direction,
    MatchRate,
    OpenBreak,
    PassCount,
    Reconciliation,
    StatementKept,
    age_bucket,
)
from settle.report.summary import sentence, summary_lines
from settle.report.writing import report_files, write

__all__ = [
    "AGES",
    "SCHEMA",
    "BreakTotal",
    "Breaks",
    "CuredBreak",
    "Direction",
    "ExceptionKind",
    "ExceptionTotal",
    "ExitCode",
    "FileIntake",
    "Flow",
    "Incident",
    "InputFinding",
    "Intake",
    "MatchRate",
    "MorningReport",
    "Netting",
    "OpenBreak",
    "PassCount",
    "PaymentException",
    "Payments",
    "ReasonCount",
    "Reconciliation",
    "Settled",
    "StateCount",
    "StatementKept",
    "StoryLine",
    "WindowClosed",
    "age_bucket",
    "page",
    "report_files",
    "sentence",
    "summary_lines",
    "write",
]

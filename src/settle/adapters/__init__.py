"""The border: what an adapter is given, what it says, and what runs it. No bank lives here."""

from settle.adapters.adapter import Adapter, BatchOutcome, Finding, RailSettings
from settle.adapters.auth import (
    Auth,
    BasicAuth,
    ClientCertificate,
    Endpoint,
    HeaderAuth,
    LoginToken,
    NoAuth,
    OAuth2,
)
from settle.adapters.breaker import BreakerPolicy
from settle.adapters.conversation import converse
from settle.adapters.ending import Ending, Finished, NotMoved, Open
from settle.adapters.evidence import Charge, Evidence, Fact, Source
from settle.adapters.exchange import (
    Conversation,
    Effect,
    Exchange,
    Request,
    Response,
    commits,
    prepares,
    reads,
)
from settle.adapters.leaving import LEAVES_WITHIN
from settle.adapters.notification import Forged, Notification
from settle.adapters.outcome import Accepted, Outcome, Rejected, Unknown
from settle.adapters.payment import Batch, Beneficiary, Payment, PaymentKind
from settle.adapters.profile import (
    ANYWHERE,
    Cost,
    Cutoff,
    Key,
    KeyPlace,
    Limits,
    Profile,
    Support,
    Verb,
)
from settle.adapters.recall import (
    Recall,
    RecallAccepted,
    RecallAnswer,
    RecallNotTaken,
    RecallPending,
    RecallRejected,
    RecallUnknown,
)
from settle.adapters.recorder import (
    NOT_RECORDED,
    Recorded,
    Recorder,
    place_of,
    redacted,
    without_secrets,
)
from settle.adapters.retry import ReadPolicy
from settle.adapters.secret import Secret
from settle.adapters.sender import Sender
from settle.adapters.signing import (
    Algorithm,
    JwsSigning,
    MessageSigning,
    RsaSigning,
    Signing,
    TimeForm,
)
from settle.adapters.statement import (
    AccountRef,
    Balance,
    LineKind,
    Statement,
    StatementDocument,
    StatementLine,
)

__all__ = [
    "ANYWHERE",
    "LEAVES_WITHIN",
    "NOT_RECORDED",
    "Accepted",
    "AccountRef",
    "Adapter",
    "Algorithm",
    "Auth",
    "Balance",
    "BasicAuth",
    "Batch",
    "BatchOutcome",
    "Beneficiary",
    "BreakerPolicy",
    "Charge",
    "ClientCertificate",
    "Conversation",
    "Cost",
    "Cutoff",
    "Effect",
    "Ending",
    "Endpoint",
    "Evidence",
    "Exchange",
    "Fact",
    "Finding",
    "Finished",
    "Forged",
    "HeaderAuth",
    "JwsSigning",
    "Key",
    "KeyPlace",
    "Limits",
    "LineKind",
    "LoginToken",
    "MessageSigning",
    "NoAuth",
    "NotMoved",
    "Notification",
    "OAuth2",
    "Open",
    "Outcome",
    "Payment",
    "PaymentKind",
    "Profile",
    "RailSettings",
    "ReadPolicy",
    "Recall",
    "RecallAccepted",
    "RecallAnswer",
    "RecallNotTaken",
    "RecallPending",
    "RecallRejected",
    "RecallUnknown",
    "Recorded",
    "Recorder",
    "Rejected",
    "Request",
    "Response",
    "RsaSigning",
    "Secret",
    "Sender",
    "Signing",
    "Source",
    "Statement",
    "StatementDocument",
    "StatementLine",
    "Support",
    "TimeForm",
    "Unknown",
    "Verb",
    "commits",
    "converse",
    "place_of",
    "prepares",
    "reads",
    "redacted",
    "without_secrets",
]

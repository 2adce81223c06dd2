"""Contains all the data models used in inputs/outputs"""

from .access_token import AccessToken
from .asks import Asks
from .card import Card
from .deliveries import Deliveries
from .delivery import Delivery
from .delivery_state import DeliveryState
from .event import Event
from .fault import Fault
from .kiosk import Kiosk
from .kiosks import Kiosks
from .light import Light
from .money import Money
from .new_receiver import NewReceiver
from .palm import Palm
from .palm_request import PalmRequest
from .palm_request_reason_type_0 import PalmRequestReasonType0
from .people import People
from .problem import Problem
from .problem_type import ProblemType
from .public_key import PublicKey
from .public_keys import PublicKeys
from .qualities import Qualities
from .reader_fault import ReaderFault
from .receiver import Receiver
from .receivers import Receivers
from .recognised import Recognised
from .recognition import Recognition
from .refund import Refund
from .refund_outcome import RefundOutcome
from .refund_request import RefundRequest
from .request_state import RequestState
from .sale import Sale
from .sale_outcome import SaleOutcome
from .sales import Sales
from .storage_fault import StorageFault
from .token_refused import TokenRefused
from .tokens_issue_body import TokensIssueBody
from .wanted_palm import WantedPalm
from .webhook import Webhook

__all__ = (
    "AccessToken",
    "Asks",
    "Card",
    "Deliveries",
    "Delivery",
    "DeliveryState",
    "Event",
    "Fault",
    "Kiosk",
    "Kiosks",
    "Light",
    "Money",
    "NewReceiver",
    "Palm",
    "PalmRequest",
    "PalmRequestReasonType0",
    "People",
    "Problem",
    "ProblemType",
    "PublicKey",
    "PublicKeys",
    "Qualities",
    "ReaderFault",
    "Receiver",
    "Receivers",
    "Recognised",
    "Recognition",
    "Refund",
    "RefundOutcome",
    "RefundRequest",
    "RequestState",
    "Sale",
    "SaleOutcome",
    "Sales",
    "StorageFault",
    "TokenRefused",
    "TokensIssueBody",
    "WantedPalm",
    "Webhook",
)

"""Contains all the data models used in inputs/outputs"""

from .access_there import AccessThere
from .access_token import AccessToken
from .activation_code_told import ActivationCodeTold
from .added_member import AddedMember
from .agreed_text import AgreedText
from .agreed_texts import AgreedTexts
from .approval import Approval
from .approval_state import ApprovalState
from .approvals import Approvals
from .arrangement import Arrangement
from .asks import Asks
from .attack import Attack
from .attacks import Attacks
from .calendar import Calendar
from .card import Card
from .compared_day import ComparedDay
from .compared_days import ComparedDays
from .consent_section import ConsentSection
from .consent_text import ConsentText
from .counted import Counted
from .daily_run import DailyRun
from .day_counted import DayCounted
from .day_to_compare import DayToCompare
from .deliveries import Deliveries
from .delivery import Delivery
from .delivery_state import DeliveryState
from .difference_told import DifferenceTold
from .difference_told_kind import DifferenceToldKind
from .differences import Differences
from .direction import Direction
from .door import Door
from .door_kind import DoorKind
from .event import Event
from .failing_job import FailingJob
from .fault import Fault
from .file_ready import FileReady
from .finding import Finding
from .given_picture import GivenPicture
from .in_area import InArea
from .kept_rows import KeptRows
from .kind import Kind
from .kiosk import Kiosk
from .kiosk_at_door import KioskAtDoor
from .kiosk_counted import KioskCounted
from .kiosk_fault import KioskFault
from .kiosk_in_full import KioskInFull
from .kiosk_in_full_state import KioskInFullState
from .kiosk_logo import KioskLogo
from .kiosk_logo_ink_type_0 import KioskLogoInkType0
from .kiosk_name import KioskName
from .kiosk_pictures import KioskPictures
from .kiosk_place import KioskPlace
from .kiosk_report import KioskReport
from .kiosk_request import KioskRequest
from .kiosk_request_act import KioskRequestAct
from .kiosk_told import KioskTold
from .kiosk_told_state import KioskToldState
from .kiosks import Kiosks
from .kiosks_told import KiosksTold
from .light import Light
from .light_counted import LightCounted
from .limit_said import LimitSaid
from .limits_said import LimitsSaid
from .linked_there import LinkedThere
from .look import Look
from .look_variant_type_0 import LookVariantType0
from .measure import Measure
from .member import Member
from .members import Members
from .merchant_jobs import MerchantJobs
from .merchant_name import MerchantName
from .merchant_told import MerchantTold
from .merchants import Merchants
from .money import Money
from .new_member import NewMember
from .new_receiver import NewReceiver
from .new_refund import NewRefund
from .new_site import NewSite
from .not_taken import NotTaken
from .not_taken_deliveries import NotTakenDeliveries
from .not_taken_state import NotTakenState
from .often import Often
from .palm import Palm
from .palm_request import PalmRequest
from .palm_request_reason_type_0 import PalmRequestReasonType0
from .passkey_link import PasskeyLink
from .payment_limits import PaymentLimits
from .people import People
from .place_limits import PlaceLimits
from .problem import Problem
from .problem_type import ProblemType
from .public_key import PublicKey
from .public_keys import PublicKeys
from .purchase_file import PurchaseFile
from .qualities import Qualities
from .reader_fault import ReaderFault
from .reason import Reason
from .receiver import Receiver
from .receivers import Receivers
from .recognised import Recognised
from .recognition import Recognition
from .recognition_summary import RecognitionSummary
from .refund import Refund
from .refund_outcome import RefundOutcome
from .remedy import Remedy
from .request_state import RequestState
from .revocation import Revocation
from .role import Role
from .said_by import SaidBy
from .sale import Sale
from .sale_outcome import SaleOutcome
from .sale_state import SaleState
from .sales import Sales
from .sales_chosen import SalesChosen
from .sales_total import SalesTotal
from .service_jobs import ServiceJobs
from .service_policy import ServicePolicy
from .site_law import SiteLaw
from .site_told import SiteTold
from .sites import Sites
from .stage import Stage
from .step_told import StepTold
from .storage_fault import StorageFault
from .taken_from import TakenFrom
from .ticket import Ticket
from .token_refused import TokenRefused
from .tokens_issue_body import TokensIssueBody
from .trail import Trail
from .trail_entry import TrailEntry
from .trail_entry_details import TrailEntryDetails
from .unsent_receipt import UnsentReceipt
from .unsent_receipts import UnsentReceipts
from .waiting_errand import WaitingErrand
from .waiting_errands import WaitingErrands
from .wanted_file import WantedFile
from .wanted_palm import WantedPalm
from .way import Way
from .webhook import Webhook
from .which_membership import WhichMembership
from .whose_access import WhoseAccess
from .why import Why
from .worse_than_before import WorseThanBefore

__all__ = (
    "AccessThere",
    "AccessToken",
    "ActivationCodeTold",
    "AddedMember",
    "AgreedText",
    "AgreedTexts",
    "Approval",
    "ApprovalState",
    "Approvals",
    "Arrangement",
    "Asks",
    "Attack",
    "Attacks",
    "Calendar",
    "Card",
    "ComparedDay",
    "ComparedDays",
    "ConsentSection",
    "ConsentText",
    "Counted",
    "DailyRun",
    "DayCounted",
    "DayToCompare",
    "Deliveries",
    "Delivery",
    "DeliveryState",
    "DifferenceTold",
    "DifferenceToldKind",
    "Differences",
    "Direction",
    "Door",
    "DoorKind",
    "Event",
    "FailingJob",
    "Fault",
    "FileReady",
    "Finding",
    "GivenPicture",
    "InArea",
    "KeptRows",
    "Kind",
    "Kiosk",
    "KioskAtDoor",
    "KioskCounted",
    "KioskFault",
    "KioskInFull",
    "KioskInFullState",
    "KioskLogo",
    "KioskLogoInkType0",
    "KioskName",
    "KioskPictures",
    "KioskPlace",
    "KioskReport",
    "KioskRequest",
    "KioskRequestAct",
    "KioskTold",
    "KioskToldState",
    "Kiosks",
    "KiosksTold",
    "Light",
    "LightCounted",
    "LimitSaid",
    "LimitsSaid",
    "LinkedThere",
    "Look",
    "LookVariantType0",
    "Measure",
    "Member",
    "Members",
    "MerchantJobs",
    "MerchantName",
    "MerchantTold",
    "Merchants",
    "Money",
    "NewMember",
    "NewReceiver",
    "NewRefund",
    "NewSite",
    "NotTaken",
    "NotTakenDeliveries",
    "NotTakenState",
    "Often",
    "Palm",
    "PalmRequest",
    "PalmRequestReasonType0",
    "PasskeyLink",
    "PaymentLimits",
    "People",
    "PlaceLimits",
    "Problem",
    "ProblemType",
    "PublicKey",
    "PublicKeys",
    "PurchaseFile",
    "Qualities",
    "ReaderFault",
    "Reason",
    "Receiver",
    "Receivers",
    "Recognised",
    "Recognition",
    "RecognitionSummary",
    "Refund",
    "RefundOutcome",
    "Remedy",
    "RequestState",
    "Revocation",
    "Role",
    "SaidBy",
    "Sale",
    "SaleOutcome",
    "SaleState",
    "Sales",
    "SalesChosen",
    "SalesTotal",
    "ServiceJobs",
    "ServicePolicy",
    "SiteLaw",
    "SiteTold",
    "Sites",
    "Stage",
    "StepTold",
    "StorageFault",
    "TakenFrom",
    "Ticket",
    "TokenRefused",
    "TokensIssueBody",
    "Trail",
    "TrailEntry",
    "TrailEntryDetails",
    "UnsentReceipt",
    "UnsentReceipts",
    "WaitingErrand",
    "WaitingErrands",
    "WantedFile",
    "WantedPalm",
    "Way",
    "Webhook",
    "WhichMembership",
    "WhoseAccess",
    "Why",
    "WorseThanBefore",
)

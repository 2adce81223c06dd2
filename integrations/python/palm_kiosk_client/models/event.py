from enum import StrEnum


class Event(StrEnum):
    PALM_IDENTIFIED = "palm.identified"
    PALM_REFUSED = "palm.refused"
    PALM_REQUEST_ENDED = "palm_request.ended"
    PERSON_DELETED = "person.deleted"
    PERSON_ENROLLED = "person.enrolled"
    PURCHASE_PAID = "purchase.paid"
    PURCHASE_REFUNDED = "purchase.refunded"
    PURCHASE_REFUND_FAILED = "purchase.refund_failed"

    def __str__(self) -> str:
        return str(self.value)

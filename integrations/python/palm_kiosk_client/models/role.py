from enum import StrEnum


class Role(StrEnum):
    AUDITOR = "auditor"
    MERCHANT = "merchant"
    OPERATOR = "operator"
    SHOP_STAFF = "shop-staff"
    SITE_MANAGER = "site-manager"

    def __str__(self) -> str:
        return str(self.value)

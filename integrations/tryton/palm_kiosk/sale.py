"""Payments of the point of sale that are made at a kiosk."""
# SPDX-License-Identifier: GPL-3.0-or-later

from trytond import config
from trytond.exceptions import UserError
from trytond.i18n import gettext
from trytond.model import fields
from trytond.pool import PoolMeta
from trytond.pyson import Eval

from .kiosk import Kiosk, NotKnown, NotPaid, Settings


class POSPaymentMethod(metaclass=PoolMeta):
    __name__ = "sale.point.payment.method"

    palm_kiosk = fields.Char(
        "Palm Kiosk",
        states={"invisible": Eval("cash", False)},
        help="The section of the server's configuration that names the kiosk.\n"
        "Leave empty for a method that has nothing to do with one.",
    )


class POSPay(metaclass=PoolMeta):
    __name__ = "sale.point.sale.pay"

    def transition_pay(self):
        """Has the kiosk charge the payment after everything else was done: what can fail has
        succeeded then, and a transaction that starts anew finds the same payment."""
        section = self.payment.method.palm_kiosk
        before = sum(bool(payment.method.palm_kiosk) for payment in self.record.payments)
        state = super().transition_pay()
        if section:
            self._pay_at_kiosk(section, before)
        return state

    def _pay_at_kiosk(self, section, before):
        sale, payment = self.record, self.payment
        kiosk = self._kiosk(section)
        # The payment's own id is another one after a failure.
        name = f"{sale.id} {sale.create_date.isoformat()} {before}"
        receipt = sale.number or str(sale.id)
        try:
            kiosk.pay(name, receipt, float(payment.amount), payment.currency.code)
        except NotPaid as why:
            raise UserError(
                gettext("palm_kiosk.msg_not_paid", sale=sale.rec_name, why=why)
            ) from None
        except NotKnown as why:
            raise UserError(
                gettext("palm_kiosk.msg_not_known", sale=sale.rec_name, why=why)
            ) from None

    def _kiosk(self, section):
        def told(name, default=None):
            value = config.get(section, name, default=default)
            if value is None:
                raise ValueError(f"{name} is missing.")
            return value

        try:
            return Kiosk(
                Settings(
                    host=told("host"),
                    port=int(told("port", "8443")),
                    certificate=told("certificate"),
                    identifier=told("identifier"),
                    version=int(told("version", "1")),
                    passphrase=told("passphrase"),
                    sale_id=told("sale_id", "tryton"),
                    patience_s=float(told("patience", "180")),
                )
            )
        except (ValueError, OSError) as why:
            raise UserError(gettext("palm_kiosk.msg_not_set_up", kiosk=section, why=why)) from None

"""A shop with Tryton's point of sale, run by Tryton's own Python: sells with the kiosk of a
configuration file, and prints what came of it as a line of JSON.

    python shop.py CONFIGURATION
"""
# SPDX-License-Identifier: GPL-3.0-or-later

import json
import sys
from decimal import Decimal

from proteus import Model
from trytond import config
from trytond.exceptions import UserError
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, get_accounts
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company
from trytond.modules.palm_kiosk.kiosk import Kiosk
from trytond.tests.tools import activate_modules

config.update_etc(sys.argv[1])
activate_modules("palm_kiosk", create_company, create_chart)


def get(name):
    return Model.get(name)


fiscalyear = set_fiscalyear_invoice_sequences(create_fiscalyear())
fiscalyear.click("create_period")
accounts = get_accounts()
category = get("product.category")(name="Accounts", accounting=True)
category.account_revenue = accounts["revenue"]
category.save()
template = get("product.template")(name="Soup", type="service", salable=True)
(template.default_uom,) = get("product.uom").find([("name", "=", "Unit")])
template.account_category = category
template.list_price = template.gross_price = Decimal("4.50")
template.save()
(soup,) = template.products
sequence = get("ir.sequence.strict")(name="POS")
(sequence.sequence_type,) = get("ir.sequence.type").find([("name", "=", "POS")], limit=1)
sequence.save()
point = get("sale.point")(name="Counter", sequence=sequence)
(point.journal,) = get("account.journal").find([("type", "=", "revenue")], limit=1)
(point.storage_location,) = get("stock.location").find([("code", "=", "STO")])
(point.customer_location,) = get("stock.location").find([("code", "=", "CUS")])
point.save()


def method_of(section):
    method = get("sale.point.payment.method")(name=section, palm_kiosk=section)
    method.account = accounts["cash"]
    method.save()
    return method


palm, stranger = method_of("palm_kiosk"), method_of("wrong_key")


def rung_up():
    sale = get("sale.point.sale")(point=point)
    line = sale.lines.new()
    line.product, line.quantity = soup, 1
    sale.save()
    return sale


def pay(sale, method=palm):
    """Returns what the cashier reads, and what stands in Tryton then."""
    wizard = sale.click("pay")
    wizard.form.method = method
    said = ""
    try:
        wizard.execute("pay")
    except UserError as error:
        said = error.message
    sale = get("sale.point.sale")(sale.id)
    return {"said": said, "paid": str(sale.amount_paid), "state": sale.state}


told = {"approved": pay(rung_up())}
declined = rung_up()
told["declined"] = pay(declined)
told["tried again"] = pay(declined)
told["wrong key"] = pay(rung_up(), stranger)

really_pay = Kiosk.pay


def pay_and_lose(*given):
    really_pay(*given)
    raise OSError("the power was cut")


Kiosk.pay = pay_and_lose
lost = rung_up()
try:
    pay(lost)
except Exception:
    told["lost"] = str(get("sale.point.sale")(lost.id).amount_paid)
Kiosk.pay = really_pay
told["found"] = pay(lost)
print(json.dumps(told))

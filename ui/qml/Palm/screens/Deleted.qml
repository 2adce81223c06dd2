pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string receipt_id
    required property int palms
    required property int cards
    required property int purchases
    required property int memberships
    required property int ages
    required property var retained_until
    required property bool stays

    title: qsTr("Your data is deleted")
    text: Receipt.words(receipt_id)
    panelShare: 0.3
    drawing: Check {}

    Grid {
        id: erased

        readonly property real cell: (width - (columns - 1) * columnSpacing) / columns

        width: parent.width
        columns: screen.wide ? 2 : 1
        columnSpacing: Tokens.loose
        rowSpacing: Tokens.gap

        Fact {
            width: erased.cell
            visible: screen.palms > 0
            sign: "check"
            text: screen.palms === 1 ? qsTr("Palm code") : qsTr("Palm codes")
        }
        Fact {
            width: erased.cell
            sign: "check"
            text: qsTr("Mobile number")
        }
        Fact {
            width: erased.cell
            visible: screen.cards > 0
            sign: "check"
            text: screen.cards === 1 ? qsTr("Card") : qsTr("Cards")
        }
        Fact {
            width: erased.cell
            visible: screen.memberships > 0
            sign: "check"
            text: screen.memberships === 1 ? qsTr("Membership card") : qsTr("Membership cards")
        }
        Fact {
            width: erased.cell
            visible: screen.ages > 0
            sign: "check"
            text: qsTr("That your age was seen")
        }
        Fact {
            width: erased.cell
            visible: screen.purchases > 0
            sign: "check"
            text: screen.purchases === 1 ? qsTr("Name on 1 purchase") : qsTr("Name on %n purchases", "", screen.purchases)
        }
    }
    Heading {
        width: parent.width
        visible: kept.visible
        text: qsTr("Kept for the merchant's books, without your name")
    }
    Fact {
        id: kept

        readonly property string what: screen.purchases === 1 ? qsTr("Amount of 1 purchase, until %1") : qsTr("Amounts of %n purchases, until %1", "", screen.purchases)

        width: parent.width
        visible: screen.purchases > 0 && !!screen.retained_until
        sign: "lock"
        colour: Tokens.inkSoft
        text: visible ? what.arg(screen.retained_until.toLocaleDateString(Qt.locale(), "MMMM yyyy")) : ""
        detail: qsTr("With time, kiosk, till's number, kind and last four digits of the card, and refunds. The payment provider keeps its own record.")
    }

    actions: [
        SecondaryButton {
            visible: !screen.stays
            text: qsTr("Keep this open")
            onClicked: screen.answer("stay")
        },
        PrimaryButton {
            text: qsTr("Finish")
            onClicked: screen.answer("done")
        }
    ]
}

pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant

    title: qsTr("What we keep, if you agree")
    text: qsTr("To pay with your palm at %1, we keep this about you.").arg(merchant)
    back: true
    step: 1
    panelShare: 0.2
    drawing: wide ? null : shield

    Component {
        id: shield

        Shield {}
    }

    Grid {
        id: facts

        readonly property real cell: (width - (columns - 1) * columnSpacing) / columns

        width: parent.width
        columns: screen.wide ? 2 : 1
        columnSpacing: Tokens.loose
        rowSpacing: Tokens.gap

        Fact {
            width: facts.cell
            sign: "hand"
            text: qsTr("A code made from your palm")
            detail: qsTr("Encrypted. Pictures are erased at once.")
        }
        Fact {
            width: facts.cell
            sign: "phone"
            text: qsTr("Your mobile number")
            detail: qsTr("For codes and receipts. You can decline receipts. No advertising.")
        }
        Fact {
            width: facts.cell
            sign: "card"
            text: qsTr("A stand-in for your card")
            detail: qsTr("With its kind, last four digits and the name on it; never its number.")
        }
        Fact {
            width: facts.cell
            sign: "receipt"
            text: qsTr("What you buy with your palm")
            detail: qsTr("Amount, time, kiosk and card, for ten years.")
        }
        Fact {
            width: facts.cell
            sign: "check"
            text: qsTr("That you agreed, and when")
            detail: qsTr("You can always pay another way instead.")
        }
        Fact {
            width: facts.cell
            sign: "clock"
            text: qsTr("Until you delete it, here, at any time")
            detail: qsTr("Purchases stay then, without your name.")
        }
    }

    actions: [
        SecondaryButton {
            text: qsTr("Do not agree")
            onClicked: screen.answer("back")
        },
        PrimaryButton {
            text: qsTr("I agree")
            onClicked: screen.answer("agree")
        }
    ]
}

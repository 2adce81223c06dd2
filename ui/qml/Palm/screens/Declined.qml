pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property var amount
    required property var card
    required property bool asks_holder

    showsBill: true
    title: asks_holder ? qsTr("Please use the card itself") : qsTr("Your bank declined the card")
    text: asks_holder ? qsTr("Your bank asks you to confirm %1 to %2, which cannot be done with a palm. Nothing was charged.").arg(amount.text).arg(merchant) : qsTr("%1 to %2 was not paid, and nothing was charged. Your bank knows why.").arg(amount.text).arg(merchant)
    panelShare: wide ? 0.46 : 0.54
    drawing: CardRefused {}

    CardChip {
        visible: screen.card !== null && screen.card !== undefined
        card: screen.card
    }

    actions: [
        SecondaryButton {
            text: qsTr("Stop here")
            onClicked: screen.answer("done")
        },
        PrimaryButton {
            text: qsTr("Pay another way")
            onClicked: screen.answer("another_way")
        }
    ]
}

pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property var amount
    required property var card
    required property var points
    required property var receipt

    showsBill: true
    title: qsTr("Paid. Thank you!")
    // With points and a receipt, there is more to read.
    panelShare: wide || (points && receipt !== null) ? 0.46 : 0.54
    drawing: Check {}

    Amount {
        width: parent.width
        money: screen.amount
    }
    Label {
        width: parent.width
        text: qsTr("to %1").arg(screen.merchant)
        color: Tokens.inkSoft
        maximumLineCount: 3
        elide: Text.ElideRight
    }
    CardChip {
        visible: screen.card !== null && screen.card !== undefined
        card: screen.card
    }
    PointsLine {
        width: parent.width
        points: screen.points
    }
    ReceiptNote {
        width: parent.width
        receipt: screen.receipt
    }

    actions: [
        SecondaryButton {
            visible: screen.receipt === true
            text: qsTr("No receipt")
            onClicked: screen.answer("skip")
        },
        PrimaryButton {
            text: qsTr("Finish")
            onClicked: screen.answer("done")
        }
    ]
}

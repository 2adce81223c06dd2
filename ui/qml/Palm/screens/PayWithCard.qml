pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property var amount
    required property var problem

    showsBill: true
    title: qsTr("Tap your card")
    text: qsTr("Hold it to the card reader.")
    alert: sentence(problem)
    panelShare: 0.46
    drawing: CardTap {}

    function sentence(about: var): string {
        switch (about) {
        case "not_read":
            return qsTr("The card could not be read. Please hold it there a little longer.");
        case "terminal":
            return qsTr("The card reader does not answer. Please wait a moment, or pay at the till.");
        default:
            return "";
        }
    }

    Amount {
        width: parent.width
        money: screen.amount
    }
    Label {
        width: parent.width
        text: qsTr("to %1").arg(screen.merchant)
        color: Tokens.inkSoft
        maximumLineCount: 2
        elide: Text.ElideRight
    }
    BusyDots {
        visible: !screen.problem
    }

    actions: [
        SecondaryButton {
            text: qsTr("Cancel payment")
            onClicked: screen.answer("cancel")
        },
        SecondaryButton {
            text: qsTr("Pay at the till")
            onClicked: screen.answer("another_way")
        }
    ]
}

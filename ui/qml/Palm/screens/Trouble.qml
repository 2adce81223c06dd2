pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string kind
    required property bool paying

    readonly property var told: ({
            "camera": {
                title: qsTr("The palm reader is not working"),
                text: qsTr("It often comes back by itself. Please try again in a moment."),
                drawing: cameraBroken
            },
            "terminal": {
                title: qsTr("The card reader is not working"),
                text: qsTr("Your card was not read. Please try again in a moment."),
                drawing: terminalBroken
            },
            "offline": {
                title: qsTr("We are not connected"),
                text: qsTr("The kiosk cannot reach its service. Please try again in a moment."),
                drawing: offline
            },
            "service": {
                title: qsTr("Something went wrong"),
                text: qsTr("It is our fault, not yours. Please try again in a moment."),
                drawing: offline
            },
            "payment_unknown": {
                title: qsTr("We are still checking your payment"),
                text: qsTr("The answer was lost: perhaps you have paid, but only once. The till is told as soon as we know. Please ask there before you pay another way."),
                drawing: receiptWaiting
            },
            "locked": {
                title: qsTr("Please try again later"),
                text: qsTr("There were too many tries. For your safety, no more are taken for a while."),
                drawing: padlock
            },
            "storage": {
                title: qsTr("This kiosk needs attention"),
                text: qsTr("It is out of order at the moment. Staff can help."),
                drawing: staff
            }
        })
    readonly property var shown: told[kind]
    readonly property bool mayTry: kind !== "payment_unknown" && kind !== "locked" && kind !== "storage"

    title: shown.title
    text: paying && kind !== "payment_unknown" ? shown.text + " " + qsTr("Nothing was charged.") : shown.text
    help: true
    panelShare: wide ? 0.46 : 0.54
    drawing: shown.drawing

    Component {
        id: staff

        Staff {}
    }
    Component {
        id: cameraBroken

        CameraBroken {}
    }
    Component {
        id: terminalBroken

        TerminalBroken {}
    }
    Component {
        id: offline

        Offline {}
    }
    Component {
        id: receiptWaiting

        ReceiptWaiting {}
    }
    Component {
        id: padlock

        Padlock {}
    }

    actions: [
        SecondaryButton {
            visible: screen.mayTry
            text: qsTr("Stop here")
            onClicked: screen.answer("done")
        },
        PrimaryButton {
            text: screen.mayTry ? qsTr("Try again") : qsTr("Finish")
            onClicked: screen.answer(screen.mayTry ? "try_again" : "done")
        }
    ]
}

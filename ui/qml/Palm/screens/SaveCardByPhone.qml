pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property var code
    required property bool adding

    readonly property bool lapsed: code === null || code === undefined

    title: lapsed ? qsTr("This code has run out") : qsTr("Add your card with your phone")
    text: lapsed ? qsTr("No card was saved. You can have another code.") : qsTr("Point your phone's camera at the code. Enter your card on the page that opens; this screen goes on by itself. Nothing is charged now.")
    back: true
    step: adding ? 0 : 3
    panelShare: wide ? 0.46 : 0.54
    drawing: lapsed ? message : square

    Component {
        id: square

        QrImage {
            rows: screen.lapsed ? [] : screen.code.rows
        }
    }
    Component {
        id: message

        PhoneMessage {}
    }

    BusyDots {
        visible: !screen.lapsed
    }

    actions: [
        PrimaryButton {
            visible: screen.lapsed
            text: qsTr("Show another code")
            onClicked: screen.answer("try_again")
        }
    ]
}

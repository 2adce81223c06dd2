pragma ComponentBehavior: Bound
import QtQuick
import Palm

ScreenFrame {
    id: screen

    // A kiosk.screens.Check.
    required property var check

    title: qsTr("This kiosk is out of service")
    text: qsTr("Please go to the till.")

    CheckLine {
        width: parent.width
        modelData: screen.check
    }

    actions: PrimaryButton {
        text: qsTr("Try again")
        onClicked: screen.answer("try_again")
    }
}

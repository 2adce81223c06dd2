pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    // A kiosk.screens.Check.
    required property var check

    title: qsTr("The staff area cannot be opened")
    back: true
    panelShare: wide ? 0.34 : 0.4
    drawing: Padlock {}

    CheckLine {
        width: parent.width
        modelData: screen.check
    }

    actions: PrimaryButton {
        text: qsTr("Back")
        onClicked: screen.answer("back")
    }
}

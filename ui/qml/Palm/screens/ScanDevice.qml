pragma ComponentBehavior: Bound
import QtQuick
import Palm

// The live view, to which staff show the code with which pretix signs on this kiosk.
ScreenFrame {
    id: screen

    required property var problem
    required property var cause

    title: qsTr("Show the code of pretix")
    text: problem ? "" : qsTr("In pretix, add a device for this gate. Hold the QR code that it shows before the camera, on a phone or printed.")
    alert: problem ? VenueFaults.words(problem, cause) : ""
    back: true
    panelShare: wide ? 0.46 : 0.5
    drawing: CodeView {
        frames: screen.frames
    }

    actions: SecondaryButton {
        visible: screen.alert !== ""
        text: qsTr("Read it again")
        onClicked: screen.answer("try_again")
    }
}

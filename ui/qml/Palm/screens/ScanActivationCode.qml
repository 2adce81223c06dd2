pragma ComponentBehavior: Bound
import QtQuick
import Palm

// The live view, to which staff show the code that activates the kiosk.
ScreenFrame {
    id: screen

    required property var problem
    required property string service

    title: qsTr("Show the activation code")
    text: problem ? "" : qsTr("Hold the QR code of the console before the camera, on a phone or printed. In the console, it is at the site: Activate a kiosk here.")
    alert: sentence(problem)
    back: true
    panelShare: wide ? 0.46 : 0.5
    drawing: CodeView {
        frames: screen.frames
    }

    function sentence(about: var): string {
        switch (about) {
        case "another_code":
            return qsTr("This is no activation code. Please show the one of the console.");
        case "expired":
            return qsTr("That code has run out. Please have another one made.");
        case "other_region":
            return qsTr("The palms of this shop stay in another region. Please set this kiosk up for the service there.") + (service ? "\n" + service : "");
        default:
            return about ? qsTr("That code is wrong, or was used already. Please have another one made.") : "";
        }
    }

    actions: SecondaryButton {
        text: qsTr("Type the digits")
        onClicked: screen.answer("use_number")
    }
}

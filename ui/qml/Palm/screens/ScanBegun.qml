pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.live

// The live view, to which a phone is held with the code of a sign-up that was begun on it.
ScreenFrame {
    id: screen

    required property var problem

    title: qsTr("Show the code on your phone")
    text: qsTr("It is on the page where you began. A message with six digits comes to your phone then.")
    alert: sentence(problem)
    back: true
    step: 1
    panelShare: wide ? 0.46 : 0.5
    drawing: Item {
        LiveView {
            id: view

            anchors.fill: parent
            frames: screen.frames
            visible: live
        }
        Label {
            anchors.centerIn: parent
            visible: !view.live
            text: qsTr("No picture")
            color: Tokens.inkSoft
        }
        // Where the phone is held.
        Rectangle {
            anchors.centerIn: parent
            width: Math.min(parent.width, parent.height) * 0.7
            height: width
            radius: Tokens.radius
            color: "transparent"
            border.color: Tokens.overlayAccent
            border.width: 8
            visible: view.live
            Accessible.ignored: true
        }
    }

    function sentence(about: var): string {
        switch (about) {
        case "wrong_code":
            return qsTr("That is not such a code, or it is over. Please look at the page on your phone again.");
        case "not_sent":
            return qsTr("The message to your phone could not be sent. Please try again.");
        default:
            return about ? qsTr("Please show the code again.") : "";
        }
    }

    actions: SecondaryButton {
        text: qsTr("Type the digits")
        onClicked: screen.answer("use_number")
    }
}

pragma ComponentBehavior: Bound
import QtQuick
import Palm

// The live view, to which a shopper shows the code of a sign-up that was begun on their phone.
ScreenFrame {
    id: screen

    required property var problem

    title: qsTr("Show the code on your phone")
    text: qsTr("It is on the page where you began. A message with six digits comes to your phone then.")
    alert: sentence(problem)
    back: true
    step: 1
    panelShare: wide ? 0.46 : 0.5
    drawing: CodeView {
        frames: screen.frames
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

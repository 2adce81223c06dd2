pragma ComponentBehavior: Bound
import QtQuick
import Palm

EntryFrame {
    id: screen

    title: qsTr("Enter your staff number")
    text: qsTr("It is kept with what you have seen.")
    back: true
    longest: 12
    fullWords: qsTr("A staff number has no more than 12 digits.")

    CodeBoxes {
        width: parent.width
        digits: Math.max(4, Math.min(12, screen.digits.length + 1))
        typed: screen.digits
    }

    actions: PrimaryButton {
        text: qsTr("Go on")
        enabled: screen.digits.length > 0
        onClicked: screen.enter(screen.digits)
    }
}

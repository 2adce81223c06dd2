pragma ComponentBehavior: Bound
import QtQuick
import Palm

EntryFrame {
    id: screen

    required property var problem
    required property var attempts_left

    title: qsTr("Enter the last 4 digits of your mobile number")
    text: qsTr("Just to be sure that it is you.")
    alert: !problem ? "" : typeof attempts_left === "number" ? qsTr("Those are not the digits. Tries left: %1.").arg(attempts_left) : qsTr("Those are not the digits. Please try again.")
    back: true
    longest: 4
    sendsItself: true

    CodeBoxes {
        width: parent.width
        digits: 4
        typed: screen.digits
        wrong: screen.wrong
    }
}

pragma ComponentBehavior: Bound
import QtQuick
import Palm

EntryFrame {
    id: screen

    required property var problem
    required property string service

    title: qsTr("Enter the activation code")
    text: qsTr("Eight digits. The console shows them, and on the service's machine this command makes them:\npalm‑cloud staff activation‑code")
    alert: problem === "case_open" ? qsTr("The case is open. Please close it and have its contact reset before you type the code.") : problem === "expired" ? qsTr("That code has run out. Please have another one made.") : problem === "other_region" ? qsTr("The palms of this shop stay in another region. Please set this kiosk up for the service there.") + (service ? "\n" + service : "") : problem ? qsTr("That is not the code, or it was used already. Please look again.") : ""
    back: true
    longest: 8
    sendsItself: true

    CodeBoxes {
        width: parent.width
        digits: 8
        typed: screen.digits
        wrong: screen.wrong
    }
}

pragma ComponentBehavior: Bound
import QtQuick
import Palm

EntryFrame {
    id: screen

    required property string phone_last2
    required property int resend_after
    required property var problem
    required property var attempts_left
    property int wait: resend_after

    title: qsTr("Enter the code we sent")
    text: qsTr("Six digits, in a message to the number that ends in %1.").arg(phone_last2)
    alert: sentence(problem)
    back: true
    longest: 6
    sendsItself: true

    function sentence(about: var): string {
        switch (about) {
        case "wrong_code":
            return typeof attempts_left === "number" ? qsTr("That is not the code. Tries left: %1.").arg(attempts_left) : qsTr("That is not the code. Please look again.");
        case "expired":
            return qsTr("That code has run out. Please ask for another one.");
        case "not_sent":
            return qsTr("The message could not be sent. Please ask for another code.");
        case "locked":
            return qsTr("Too many wrong codes. Please ask for another one.");
        default:
            return about ? qsTr("Please look at the code again.") : "";
        }
    }

    Timer {
        running: screen.wait > 0
        repeat: true
        interval: 1000
        onTriggered: screen.wait -= 1
    }

    CodeBoxes {
        width: parent.width
        digits: 6
        typed: screen.digits
        wrong: screen.wrong
    }
    QuietButton {
        enabled: screen.wait === 0 && !screen.spent
        leftPadding: 0
        sign: "phone"
        text: screen.wait > 0 ? qsTr("Send another code in %1 s").arg(screen.wait) : qsTr("Send another code")
        onClicked: screen.answer("resend")
    }
}

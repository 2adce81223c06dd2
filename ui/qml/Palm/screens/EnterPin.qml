pragma ComponentBehavior: Bound
import QtQuick
import Palm

EntryFrame {
    id: screen

    required property var problem
    required property var attempts_left
    required property int locked_for
    required property bool changing
    required property bool choosing
    required property bool repeat
    property int wait: locked_for

    title: repeat ? qsTr("Enter the new PIN once more") : choosing ? qsTr("Choose a new staff PIN") : changing ? qsTr("Enter the current PIN") : qsTr("Enter the staff PIN")
    text: repeat ? qsTr("The same digits, to be sure that none was mistyped.") : choosing ? qsTr("6 to 12 digits, without a pattern. They open the staff area of this kiosk.") : changing ? qsTr("Then you choose a new one.") : qsTr("For staff only.")
    alert: wait > 0 ? qsTr("Too many wrong tries. Locked for another %1.").arg(time(wait)) : sentence(problem)
    alertSign: wait > 0 ? "lock" : "caution"
    back: true
    longest: 12
    fullWords: qsTr("A PIN has no more than 12 digits.")
    taking: wait === 0

    function time(seconds: int): string {
        return Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
    }

    function sentence(about: var): string {
        if (!about)
            return "";
        if (about === "locked")
            return qsTr("You can try again now.");
        if (about === "weak_pin")
            return qsTr("That PIN is easy to guess. Please choose digits without a pattern.");
        if (choosing)
            return qsTr("Please enter 6 to 12 digits, the same both times.");
        return typeof attempts_left === "number" ? qsTr("That is not the PIN. Tries left: %1.").arg(attempts_left) : qsTr("That is not the PIN.");
    }

    Timer {
        running: screen.wait > 0
        repeat: true
        interval: 1000
        onTriggered: screen.wait -= 1
    }

    CodeBoxes {
        width: parent.width
        digits: Math.max(6, Math.min(12, screen.digits.length + 1))
        typed: screen.digits
        hidden: true
        wrong: screen.wrong
    }

    actions: PrimaryButton {
        text: screen.choosing ? qsTr("Save PIN") : screen.changing ? qsTr("Check PIN") : qsTr("Open staff area")
        enabled: screen.digits.length >= 6 && screen.wait === 0
        onClicked: screen.enter(screen.digits)
    }
}

pragma ComponentBehavior: Bound
import QtQuick
import Palm

ScreenFrame {
    id: screen

    required property var problem
    required property var attempts_left
    required property int locked_for
    required property bool choosing
    required property bool repeat
    property string digits: ""
    property int wait: locked_for

    title: repeat ? qsTr("Enter the PIN once more") : choosing ? qsTr("Choose a staff PIN") : qsTr("Enter the staff PIN")
    text: repeat ? qsTr("The same digits, so that none was mistyped.") : choosing ? qsTr("6 to 12 digits. It opens this kiosk's staff area.") : qsTr("For staff only.")
    alert: wait > 0 ? qsTr("Too many wrong tries. Locked for another %1.").arg(time(wait)) : sentence(problem)
    alertSign: wait > 0 ? "lock" : "caution"
    back: true

    function time(seconds: int): string {
        return Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
    }

    function sentence(about: var): string {
        if (!about)
            return "";
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
        wrong: screen.alert !== "" && screen.digits === ""
    }

    pad: NumberPad {
        typed: screen.digits
        longest: 12
        enabled: !screen.spent && screen.wait === 0
        onEdited: text => screen.digits = text
    }
    actions: PrimaryButton {
        text: screen.choosing ? qsTr("Save PIN") : qsTr("Open staff area")
        enabled: screen.digits.length >= 6 && screen.wait === 0
        onClicked: screen.enter(screen.digits)
    }
}

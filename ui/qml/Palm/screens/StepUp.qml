pragma ComponentBehavior: Bound
import QtQuick
import Palm

ScreenFrame {
    id: screen

    required property var problem
    required property var attempts_left
    property string digits: ""

    title: qsTr("Enter the last 4 digits of your mobile number")
    text: qsTr("Just to be sure that it is you.")
    alert: !problem ? "" : typeof attempts_left === "number" ? qsTr("Those are not the digits. Tries left: %1.").arg(attempts_left) : qsTr("Those are not the digits. Please try again.")
    back: true

    CodeBoxes {
        width: parent.width
        digits: 4
        typed: screen.digits
        wrong: screen.alert !== "" && screen.digits === ""
    }

    pad: NumberPad {
        typed: screen.digits
        longest: 4
        enabled: !screen.spent
        onEdited: text => {
            screen.digits = text;
            if (text.length === 4)
                screen.enter(text);
        }
    }
}

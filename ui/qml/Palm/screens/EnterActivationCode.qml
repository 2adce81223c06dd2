pragma ComponentBehavior: Bound
import QtQuick
import Palm

ScreenFrame {
    id: screen

    required property var problem
    property string digits: ""

    title: qsTr("Enter the activation code")
    text: qsTr("Eight digits, from the service's staff pages. They bind this kiosk to your shop.")
    alert: problem === "expired" ? qsTr("That code has run out. Please make another one.") : problem ? qsTr("That is not a valid code. Please look again.") : ""
    back: true

    CodeBoxes {
        width: parent.width
        digits: 8
        typed: screen.digits
        wrong: screen.alert !== "" && screen.digits === ""
    }

    pad: NumberPad {
        typed: screen.digits
        longest: 8
        enabled: !screen.spent
        onEdited: text => {
            screen.digits = text;
            if (text.length === 8)
                screen.enter(text);
        }
    }
}

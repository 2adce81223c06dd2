pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string name_hint
    required property string phone_last4
    required property var card
    required property var palms

    // A longer name would leave no room for the rest.
    title: name_hint === "" || name_hint.length > 24 ? qsTr("You are signed up") : qsTr("You are signed up, %1").arg(name_hint)
    text: qsTr("From now on, hold your palm to the reader and confirm the amount.")
    panelShare: wide ? 0.42 : 0.34
    drawing: Check {}

    Item {
        width: 1
        height: Tokens.hair
    }
    Fact {
        width: parent.width
        sign: "hand"
        text: screen.palms.length === 2 ? qsTr("Both palms") : screen.palms[0] === "left" ? qsTr("Your left palm") : qsTr("Your right palm")
    }
    Fact {
        width: parent.width
        sign: "phone"
        text: qsTr("Mobile number ending in %1").arg(screen.phone_last4)
    }
    CardChip {
        card: screen.card
    }

    actions: PrimaryButton {
        text: qsTr("Finish")
        onClicked: screen.answer("done")
    }
}

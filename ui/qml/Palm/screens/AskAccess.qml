import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string site
    required property string ending

    title: qsTr("Open doors with your palm?")
    text: ending === "" ? qsTr("%1 has given you access. From now on your palm would stand for it, here and at its other doors.").arg(site) : qsTr("%1 has given you a card that ends in %2. From now on your palm would stand for it, here and at its other doors.").arg(site).arg(ending)
    note: ""
    panelShare: wide ? 0.46 : 0.48
    drawing: PalmScan {}

    Label {
        width: parent.width
        text: qsTr("Your card keeps working. You are asked this once.")
        color: Tokens.inkSoft
    }

    actions: [
        SecondaryButton {
            text: qsTr("No, thank you")
            onClicked: screen.answer("skip")
        },
        PrimaryButton {
            text: qsTr("Use my palm")
            sign: "hand"
            onClicked: screen.answer("agree")
        }
    ]
}

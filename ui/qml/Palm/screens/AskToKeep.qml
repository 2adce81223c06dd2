import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string site

    title: qsTr("Come in when the network is down, too?")
    text: qsTr("%1 can let you in then as well. Its gates keep what tells your palm from others in their memory for that, for a day at most.").arg(site)
    note: ""
    panelShare: wide ? 0.46 : 0.48
    drawing: PalmScan {}

    Label {
        width: parent.width
        text: qsTr("You hold your palm once more for it. You are asked this once, and can end it on your pages on the web.")
        color: Tokens.inkSoft
    }

    actions: [
        SecondaryButton {
            text: qsTr("No, thank you")
            onClicked: screen.answer("skip")
        },
        PrimaryButton {
            text: qsTr("Yes, do")
            sign: "hand"
            onClicked: screen.answer("agree")
        }
    ]
}

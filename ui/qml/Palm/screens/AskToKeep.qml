import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string site

    title: qsTr("Your palm also without a network?")
    text: qsTr("Gates of %1 would recognise you when their network is down. For that they keep a copy of your palm's template in their memory, for a day at most.").arg(site)
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

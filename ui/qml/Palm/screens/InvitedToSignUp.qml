pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property string question
    required property string ending

    title: qsTr("Sign up with your palm?")
    text: qsTr("%1 asks:").arg(merchant)
    panelShare: wide ? 0.4 : 0.34
    drawing: PalmScan {}

    Title {
        width: parent.width
        text: screen.question
        font.pixelSize: Tokens.heading
        font.letterSpacing: 0
        maximumLineCount: 4
        elide: Text.ElideRight
    }
    Fact {
        width: parent.width
        sign: "star"
        text: qsTr("From then on your palm stands there for your number ending in %1").arg(screen.ending)
    }

    actions: [
        SecondaryButton {
            text: qsTr("No")
            onClicked: screen.answer("cancel")
        },
        PrimaryButton {
            text: qsTr("Sign up")
            onClicked: screen.answer("sign_up")
        }
    ]
}

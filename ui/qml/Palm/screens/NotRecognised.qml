pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string purpose
    required property int attempts_left

    readonly property bool again: attempts_left > 0
    readonly property string otherWay: purpose === "pay" ? qsTr("Pay another way") : purpose === "leave" ? qsTr("Use another way") : qsTr("Stop here")

    title: qsTr("We did not recognise your palm")
    text: again ? qsTr("Hold it open and flat, all of it in the outline. A plaster or a glove gets in the way.") : purpose === "pay" ? qsTr("It cannot be tried again just now. Please pay another way; nothing was charged.") : purpose === "leave" ? qsTr("It cannot be tried again just now. Please use another way, or come back later.") : qsTr("It cannot be tried again just now. Please come back later.")
    panelShare: wide ? 0.44 : 0.4
    drawing: PalmUnknown {}

    SecondaryButton {
        width: parent.width
        height: Tokens.key
        enabled: !screen.spent
        sign: "hand"
        text: qsTr("New here? Sign up")
        onClicked: screen.answer("sign_up")
    }

    actions: [
        SecondaryButton {
            visible: screen.again
            text: screen.otherWay
            onClicked: screen.answer("another_way")
        },
        PrimaryButton {
            text: screen.again ? qsTr("Try again") : screen.otherWay
            onClicked: screen.answer(screen.again ? "try_again" : "another_way")
        }
    ]
}

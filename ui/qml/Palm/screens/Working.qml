import QtQuick
import Palm

ScreenFrame {
    id: screen

    required property string work

    readonly property string words: {
        switch (work) {
        case "checking_palm":
            return qsTr("Checking your palm");
        case "sending_code":
            return qsTr("Sending your code");
        case "checking_code":
            return qsTr("Checking the code");
        case "saving_card":
            return qsTr("Checking your card");
        case "finishing":
            return qsTr("Finishing your sign-up");
        case "paying":
            return qsTr("Paying");
        case "deleting":
            return qsTr("Deleting your data");
        default:
            return qsTr("One moment");
        }
    }

    Accessible.name: words
    Component.onCompleted: Accessible.announce(words)

    Column {
        parent: screen
        anchors.centerIn: parent
        width: parent.width - 2 * Tokens.margin
        spacing: Tokens.margin

        BusyDots {
            anchors.horizontalCenter: parent.horizontalCenter
        }
        Title {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: screen.words
        }
    }
}

import QtQuick
import Palm

ScreenFrame {
    id: screen

    required property string work
    required property var amount
    required property string merchant
    required property bool slow
    required property bool way_out

    showsBill: amount !== null && amount !== undefined

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
        case "opening_page":
            return qsTr("Making a code for your phone");
        case "saving_membership":
            return qsTr("Saving your membership");
        case "readying_reader":
            return qsTr("Getting the card reader ready");
        case "finishing":
            return qsTr("Finishing your sign-up");
        case "paying":
            return qsTr("Paying");
        case "cancelling":
            return qsTr("Cancelling the payment");
        case "deleting":
            return qsTr("Deleting your data");
        case "asking_venue":
            return qsTr("Asking pretix");
        default:
            return qsTr("One moment");
        }
    }

    readonly property string patience: {
        if (!slow)
            return "";
        if (way_out)
            return qsTr("This takes longer than usual: there is no connection. Nothing has been charged.");
        if (work === "paying")
            return qsTr("This takes longer than usual. Please wait for the answer; you are never charged twice.");
        return qsTr("This takes longer than usual.");
    }

    Accessible.name: words
    Component.onCompleted: Accessible.announce(words)
    onPatienceChanged: if (patience !== "")
        Accessible.announce(patience)

    Column {
        parent: screen
        anchors.horizontalCenter: parent.horizontalCenter
        y: (parent.height - height - (screen.way_out ? Tokens.key : 0)) / 2
        width: Math.min(parent.width - 2 * Tokens.margin, 1200)
        spacing: Tokens.loose

        Column {
            width: parent.width
            visible: screen.amount !== null && screen.amount !== undefined
            spacing: 4

            Amount {
                width: parent.width
                horizontalAlignment: Text.AlignHCenter
                money: screen.amount
            }
            Label {
                width: parent.width
                horizontalAlignment: Text.AlignHCenter
                text: qsTr("to %1").arg(screen.merchant)
                color: Tokens.inkSoft
                maximumLineCount: 2
                elide: Text.ElideRight
            }
        }

        BusyDots {
            anchors.horizontalCenter: parent.horizontalCenter
        }
        Title {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: screen.words
        }
        Label {
            width: parent.width
            visible: text !== ""
            horizontalAlignment: Text.AlignHCenter
            text: screen.patience
            color: Tokens.inkSoft
        }
    }

    actions: SecondaryButton {
        visible: screen.way_out
        text: qsTr("Pay another way")
        onClicked: screen.answer("another_way")
    }
}

pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property bool demo
    required property var notice
    required property bool memberships

    readonly property bool open: !["starting", "offline", "not_activated"].includes(notice)
    readonly property bool readsPalms: open && !["camera", "closed"].includes(notice)

    title: qsTr("Pay with your palm")
    text: screen.demo ? qsTr("This one is for trying: sign up, then pay with your open palm. No money moves.") : qsTr("Signed up? You can pay here as soon as the till has sent your purchase.")
    alert: sentence(notice)
    help: true
    panelShare: wide ? 0.46 : 0.48
    footer: Tokens.target
    drawing: PalmScan {
        breathes: screen.readsPalms
    }

    function sentence(about: var): string {
        switch (about) {
        case "starting":
            return qsTr("One moment, please: the kiosk is getting ready.");
        case "offline":
            return qsTr("You cannot pay with your palm just now. Please pay another way.");
        case "camera":
            return qsTr("The palm reader is not working. Please pay another way.");
        case "not_activated":
            return qsTr("This kiosk is not set up yet. Staff can do it in the staff area.");
        case "closed":
            return qsTr("We are closed just now.");
        default:
            return "";
        }
    }

    Item {
        width: 1
        height: Tokens.tight
    }
    PrimaryButton {
        width: parent.width
        height: 148
        enabled: !screen.spent && screen.readsPalms
        text: qsTr("Sign up")
        sign: "hand"
        onClicked: screen.answer("sign_up")
    }
    GridLayout {
        width: parent.width
        columns: 2
        columnSpacing: Tokens.gap
        rowSpacing: Tokens.gap
        uniformCellWidths: true
        enabled: !screen.spent && screen.open

        SecondaryButton {
            text: qsTr("Delete my data")
            onClicked: screen.answer("delete")
        }
        SecondaryButton {
            enabled: screen.readsPalms
            text: qsTr("My cards")
            onClicked: screen.answer("cards")
        }
        SecondaryButton {
            visible: screen.memberships
            enabled: screen.readsPalms
            text: qsTr("Membership card")
            onClicked: screen.answer("membership")
        }
        SecondaryButton {
            visible: screen.demo && screen.open
            enabled: screen.readsPalms
            text: qsTr("Try a purchase")
            onClicked: screen.answer("try_purchase")
        }
    }

    Label {
        parent: screen.panelItem
        anchors.left: parent.left
        anchors.top: parent.top
        anchors.margins: Tokens.margin
        anchors.right: parent.right
        anchors.rightMargin: screen.wide ? Tokens.margin : 380
        text: screen.merchant
        font.pixelSize: Tokens.button
        font.weight: Font.DemiBold
        elide: Text.ElideRight
        maximumLineCount: 2
    }
    QuietButton {
        parent: screen
        anchors.right: parent.right
        anchors.bottom: parent.bottom
        anchors.margins: Tokens.gap
        enabled: !screen.spent
        colour: Tokens.inkSoft
        sign: "lock"
        text: qsTr("Staff")
        onClicked: screen.answer("staff")
    }
}

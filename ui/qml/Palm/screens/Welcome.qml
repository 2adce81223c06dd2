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
    required property var logo
    required property var attract

    // The number of the picture that is shown, from 1; 0 for the drawing.
    property int turn: 0

    readonly property bool open: !["starting", "offline", "not_activated"].includes(notice)
    readonly property bool readsPalms: open && !["camera", "closed"].includes(notice)

    title: qsTr("Pay with your palm")
    text: screen.demo ? qsTr("This one is for trying: sign up, then pay with your open palm. No money moves.") : qsTr("Signed up? You can pay here as soon as the till has sent your purchase.")
    alert: sentence(notice)
    help: true
    panelShare: wide ? 0.46 : 0.48
    footer: Tokens.target
    drawing: Item {
        PalmScan {
            anchors.fill: parent
            breathes: screen.readsPalms && visible
            visible: picture.opacity < 1
            opacity: 1 - picture.opacity
        }
        Image {
            id: picture

            anchors.fill: parent
            anchors.topMargin: screen.wide ? 128 : 0
            fillMode: Image.PreserveAspectFit
            mipmap: true
            asynchronous: true
            cache: false
            source: screen.turn > 0 ? screen.attract[screen.turn - 1] : ""
            opacity: status === Image.Ready ? 1 : 0
            Accessible.ignored: true
            onStatusChanged: if (status === Image.Error)
                screen.turnOver()

            Behavior on opacity {
                NumberAnimation {
                    duration: Tokens.slow
                }
            }
        }
    }

    onAttractChanged: turn = 0
    onReadsPalmsChanged: turn = 0

    function turnOver(): void {
        turn = (turn + 1) % (attract.length + 1);
    }

    Timer {
        interval: screen.turn === 0 ? 20000 : 10000
        repeat: true
        running: screen.attract.length > 0 && screen.readsPalms
        onTriggered: screen.turnOver()
    }
    // A touch brings the drawing back, so that people see what the kiosk is for.
    PointHandler {
        parent: screen
        onActiveChanged: if (active)
            screen.turn = 0
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

    Rectangle {
        id: plate

        // A light logo on a light panel needs a dark plate, and the other way round.
        readonly property bool needed: screen.logo?.ink === (Tokens.dark ? "dark" : "light")
        readonly property real room: screen.panelItem.width - Tokens.margin - name.anchors.rightMargin
        readonly property real pad: needed ? Tokens.tight : 0

        parent: screen.panelItem
        anchors.left: parent.left
        anchors.leftMargin: Tokens.margin - pad
        anchors.top: parent.top
        anchors.topMargin: (screen.wide ? Tokens.margin : Tokens.gap) - pad
        width: image.width + 2 * pad
        height: image.height + 2 * pad
        visible: image.status === Image.Ready
        color: needed ? Tokens.ink : "transparent"
        radius: Tokens.radius

        Image {
            id: image

            readonly property real ratio: implicitHeight > 0 ? Math.min(plate.room / implicitWidth, 104 / implicitHeight) : 0

            anchors.centerIn: parent
            width: implicitWidth * ratio
            height: implicitHeight * ratio
            mipmap: true
            asynchronous: true
            cache: false
            source: screen.logo?.source ?? ""
            Accessible.role: Accessible.Graphic
            Accessible.name: screen.merchant
        }
    }
    Label {
        id: name

        parent: screen.panelItem
        anchors.left: parent.left
        anchors.top: parent.top
        anchors.margins: Tokens.margin
        anchors.right: parent.right
        anchors.rightMargin: screen.wide ? Tokens.margin : 380
        visible: !plate.visible
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

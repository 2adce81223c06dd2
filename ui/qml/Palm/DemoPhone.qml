import QtQuick

// The simulated phone of a demonstration. A message covers nothing that is needed. It disappears by
// itself, when its code was typed, or when it is touched.
Pressable {
    id: phone

    property string message: ""
    readonly property int staysFor: 20000
    readonly property bool open: message !== ""

    signal closed

    readonly property bool wide: parent.width >= parent.height

    width: Math.min(parent.width * (wide ? 0.46 : 1) - 2 * Tokens.gap, 900)
    height: implicitHeight
    x: wide ? Tokens.gap : (parent.width - width) / 2
    y: wide ? parent.height - height - Tokens.gap : Tokens.target + Tokens.gap
    opacity: open ? 1 : 0
    visible: opacity > 0
    leftPadding: Tokens.gap
    rightPadding: Tokens.gap
    topPadding: Tokens.gap
    bottomPadding: Tokens.gap
    text: qsTr("Simulated phone: %1").arg(message)
    Accessible.role: Accessible.Notification
    onClicked: closed()
    onMessageChanged: if (message !== "") {
        words.text = message;
        leaving.restart();
        Accessible.announce(text);
    }

    Behavior on opacity {
        NumberAnimation {
            duration: Tokens.slow
        }
    }

    Timer {
        id: leaving

        interval: phone.staysFor
        onTriggered: phone.closed()
    }

    background: Rectangle {
        radius: Tokens.radius
        color: Tokens.ink
    }
    contentItem: Item {
        implicitHeight: Math.max(badge.height, words.implicitHeight)

        Rectangle {
            id: badge

            anchors.left: parent.left
            anchors.verticalCenter: parent.verticalCenter
            width: tag.implicitWidth + 2 * Tokens.tight
            height: 64
            radius: 16
            color: Tokens.ground

            Label {
                id: tag

                anchors.centerIn: parent
                text: qsTr("DEMO")
                font.pixelSize: Tokens.small
                font.weight: Font.DemiBold
                lineHeight: 1
            }
        }
        Label {
            id: words

            anchors.left: badge.right
            anchors.leftMargin: Tokens.gap
            anchors.right: parent.right
            anchors.verticalCenter: parent.verticalCenter
            color: Tokens.ground
        }
    }
}

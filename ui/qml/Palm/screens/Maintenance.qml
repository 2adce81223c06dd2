pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.live

ScreenFrame {
    id: screen

    required property string version
    required property var device_id
    required property string service
    required property var checks
    required property var observations
    required property bool pin_changed
    required property bool venue

    title: qsTr("Staff area")
    back: true
    panelShare: 0.4
    drawing: Item {
        LiveView {
            id: view

            anchors.fill: parent
            anchors.topMargin: screen.wide ? 88 : 0
            anchors.bottomMargin: below.height + Tokens.tight
            frames: screen.frames
            visible: live
        }
        Label {
            anchors.centerIn: view
            visible: !view.live
            text: qsTr("No picture")
            color: Tokens.inkSoft
        }
        Column {
            id: below

            anchors.bottom: parent.bottom
            width: parent.width
            spacing: Tokens.tight

            Grid {
                id: figures

                width: parent.width
                columns: 2
                columnSpacing: Tokens.loose
                rowSpacing: 4

                Repeater {
                    model: screen.observations

                    FigureLine {
                        width: (figures.width - Tokens.loose) / 2
                    }
                }
            }
            SecondaryButton {
                width: parent.width
                height: Tokens.target
                enabled: !screen.spent
                text: qsTr("Support and versions")
                onClicked: screen.answer("about")
            }
            SecondaryButton {
                width: parent.width
                height: Tokens.target
                visible: screen.venue
                enabled: !screen.spent
                text: qsTr("Sign on at pretix")
                onClicked: screen.answer("sign_on")
            }
        }
    }

    QuietButton {
        parent: screen
        anchors.right: parent.right
        anchors.rightMargin: Tokens.margin - Tokens.gap
        y: Tokens.tight
        enabled: !screen.spent
        sign: screen.pin_changed ? "check" : "lock"
        text: screen.pin_changed ? qsTr("PIN is changed") : qsTr("Change PIN")
        onClicked: screen.answer("change_pin")
        onTextChanged: Accessible.announce(text)
    }
    Label {
        width: parent.width
        text: qsTr("Version %1 · %2 · %3").arg(screen.version).arg(screen.device_id ? qsTr("device %1").arg(screen.device_id) : qsTr("not activated")).arg(screen.service)
        color: Tokens.inkSoft
        font.pixelSize: Tokens.small
    }

    // All checks. The list can be scrolled when many remedies make it too long.
    Flickable {
        width: parent.width
        height: Math.min(contentHeight, screen.contentRoom - y)
        contentHeight: all.height
        interactive: contentHeight > height
        clip: interactive

        Column {
            id: all

            width: parent.width
            spacing: 4

            Repeater {
                model: screen.checks

                CheckLine {
                    width: all.width
                }
            }
        }
    }

    actions: [
        SecondaryButton {
            text: qsTr("Restart kiosk")
            onClicked: screen.answer("restart")
        },
        SecondaryButton {
            text: qsTr("Activate device")
            onClicked: screen.answer("activate")
        },
        PrimaryButton {
            text: qsTr("Run self‑test")
            onClicked: screen.answer("self_test")
        }
    ]
}

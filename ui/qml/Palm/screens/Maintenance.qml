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

    title: qsTr("Staff area")
    back: true
    panelShare: 0.4
    drawing: Item {
        LiveView {
            id: view

            anchors.fill: parent
            anchors.topMargin: screen.wide ? 88 : 0
            anchors.bottomMargin: figures.height + Tokens.tight
            frames: screen.frames
            visible: live
        }
        Label {
            anchors.centerIn: view
            visible: !view.live
            text: qsTr("No picture")
            color: Tokens.inkSoft
        }
        Grid {
            id: figures

            anchors.bottom: parent.bottom
            width: parent.width
            columns: 2
            columnSpacing: Tokens.loose
            rowSpacing: 4

            Repeater {
                model: screen.observations

                Item {
                    id: figure

                    required property var modelData

                    width: (figures.width - Tokens.loose) / 2
                    height: 42

                    Label {
                        text: figure.modelData[0]
                        color: Tokens.inkSoft
                        font.pixelSize: Tokens.small
                    }
                    Label {
                        anchors.right: parent.right
                        text: figure.modelData[1]
                        font.pixelSize: Tokens.small
                        font.weight: Font.DemiBold
                        font.features: {
                            "tnum": 1
                        }
                    }
                }
            }
        }
    }

    Label {
        width: parent.width
        text: qsTr("Version %1 · %2 · %3").arg(screen.version).arg(screen.device_id ? qsTr("device %1").arg(screen.device_id) : qsTr("not activated")).arg(screen.service)
        color: Tokens.inkSoft
        font.pixelSize: Tokens.small
    }

    // All that is attached, in as many lines as it takes; when much is wrong they can be scrolled.
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

                Item {
                    id: check

                    required property var modelData
                    width: all.width
                    height: Math.max(icon.height, said.height)

                    Icon {
                        id: icon

                        anchors.left: parent.left
                        width: 40
                        height: 40
                        name: check.modelData.health === "good" ? "check" : check.modelData.health === "busy" ? "clock" : "caution"
                        colour: check.modelData.health === "good" ? Tokens.accent : check.modelData.health === "busy" ? Tokens.inkSoft : Tokens.danger
                    }
                    Label {
                        id: name

                        anchors.left: icon.right
                        anchors.leftMargin: Tokens.tight
                        width: 210
                        text: check.modelData.name
                        font.pixelSize: Tokens.small
                        font.weight: Font.DemiBold
                    }
                    Column {
                        id: said

                        anchors.left: name.right
                        anchors.leftMargin: Tokens.tight
                        anchors.right: parent.right

                        Label {
                            width: parent.width
                            text: check.modelData.detail
                            font.pixelSize: Tokens.small
                        }
                        Label {
                            width: parent.width
                            visible: text !== ""
                            text: check.modelData.remedy
                            color: Tokens.inkSoft
                            font.pixelSize: Tokens.small
                        }
                    }
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

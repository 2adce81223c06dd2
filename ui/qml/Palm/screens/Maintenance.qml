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
    text: qsTr("Version %1 · %2 · %3").arg(version).arg(device_id ? qsTr("device %1").arg(device_id) : qsTr("not activated")).arg(service)
    back: true
    panelShare: wide ? 0.46 : 0.4
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

    Repeater {
        model: screen.checks

        Fact {
            required property var modelData

            width: parent.width
            sign: modelData.health === "good" ? "check" : modelData.health === "busy" ? "clock" : "caution"
            colour: modelData.health === "good" ? Tokens.accent : modelData.health === "busy" ? Tokens.inkSoft : Tokens.danger
            text: qsTr("%1: %2").arg(modelData.name).arg(modelData.detail)
            detail: modelData.remedy
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
            text: qsTr("Run self-test")
            onClicked: screen.answer("self_test")
        }
    ]
}

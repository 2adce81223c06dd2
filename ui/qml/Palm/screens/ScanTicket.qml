pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.live

// The live view, to which somebody shows the code of their ticket once.
ScreenFrame {
    id: screen

    title: qsTr("Show the code of your ticket")
    text: qsTr("Only this once: it is kept with your palm, and next time your palm is enough.")
    panelShare: wide ? 0.46 : 0.5
    drawing: Item {
        LiveView {
            id: view

            anchors.fill: parent
            frames: screen.frames
            visible: live
        }
        Label {
            anchors.centerIn: parent
            visible: !view.live
            text: qsTr("No picture")
            color: Tokens.inkSoft
        }
        // Where the ticket is held.
        Rectangle {
            anchors.centerIn: parent
            width: Math.min(parent.width, parent.height) * 0.7
            height: width
            radius: Tokens.radius
            color: "transparent"
            border.color: Tokens.overlayAccent
            border.width: 8
            visible: view.live
            Accessible.ignored: true
        }
    }

    actions: SecondaryButton {
        text: qsTr("I have no ticket here")
        onClicked: screen.answer("skip")
    }
}

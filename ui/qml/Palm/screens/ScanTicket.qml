pragma ComponentBehavior: Bound
import QtQuick
import Palm

// The live view, to which somebody shows the code of their ticket once.
ScreenFrame {
    id: screen

    title: qsTr("Show the code of your ticket")
    text: qsTr("Only this once: it is kept with your palm, and next time your palm is enough.")
    panelShare: wide ? 0.46 : 0.5
    drawing: CodeView {
        frames: screen.frames
    }

    actions: SecondaryButton {
        text: qsTr("I have no ticket here")
        onClicked: screen.answer("skip")
    }
}

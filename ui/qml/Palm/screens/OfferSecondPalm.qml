pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string first

    title: first === "right" ? qsTr("Add your left palm too?") : qsTr("Add your right palm too?")
    text: qsTr("Then either hand will do, whichever is free.")
    step: 5
    panelShare: wide ? 0.46 : 0.54
    drawing: TwoPalms {
        rightFirst: screen.first === "right"
    }

    actions: [
        SecondaryButton {
            text: qsTr("Skip this")
            onClicked: screen.answer("skip")
        },
        PrimaryButton {
            text: qsTr("Add palm")
            onClicked: screen.answer("add")
        }
    ]
}

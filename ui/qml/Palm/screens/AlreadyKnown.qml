pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string known

    title: known === "palm" ? qsTr("Your palm is signed up already") : qsTr("This number is signed up already")
    text: known === "palm" ? qsTr("There is nothing more to do: you can pay with it right away. What you entered just now is not kept.") : qsTr("If it is yours, you can pay with your palm right away. To start afresh, delete your data first.")
    panelShare: wide ? 0.46 : 0.4
    drawing: Shield {}

    actions: [
        SecondaryButton {
            text: qsTr("Delete my data")
            onClicked: screen.answer("delete")
        },
        PrimaryButton {
            text: qsTr("Finish")
            onClicked: screen.answer("done")
        }
    ]
}

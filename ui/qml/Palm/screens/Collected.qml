pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property var points

    title: qsTr("Thank you!")
    text: qsTr("%1 has your membership. Nothing was charged.").arg(merchant)
    panelShare: wide ? 0.46 : 0.54
    drawing: Check {}

    PointsLine {
        width: parent.width
        points: screen.points
    }

    actions: PrimaryButton {
        text: qsTr("Finish")
        onClicked: screen.answer("done")
    }
}

pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property var ending

    readonly property bool linked: typeof ending === "string"

    title: linked ? qsTr("Your card is linked") : qsTr("Your card is removed")
    text: linked ? qsTr("From now on your palm is your membership card at %1.").arg(merchant) : qsTr("Your palm no longer shows %1 a membership.").arg(merchant)
    panelShare: wide ? 0.46 : 0.54
    drawing: Check {}

    Fact {
        visible: screen.linked
        width: parent.width
        sign: "star"
        text: screen.linked ? qsTr("Number ending in %1").arg(screen.ending) : ""
    }

    actions: PrimaryButton {
        text: qsTr("Finish")
        onClicked: screen.answer("done")
    }
}

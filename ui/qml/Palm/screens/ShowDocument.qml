pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property int over
    required property bool shut
    required property bool kept

    showsBill: false
    title: qsTr("Staff have to see that you are over %1").arg(over)
    text: kept ? qsTr("Please show staff a document with your age. At %1 you are asked this once.").arg(merchant) : qsTr("Please show staff a document with your age. Then pay with your card.")
    alert: shut ? qsTr("Staff cannot confirm it at this kiosk. Please pay another way.") : ""
    help: true
    panelShare: wide ? 0.36 : 0.3
    drawing: Staff {}

    Fact {
        width: parent.width
        visible: !screen.shut
        sign: "shield"
        text: screen.kept ? qsTr("We keep your age group, who saw it and when") : qsTr("Nothing of it is kept")
        detail: screen.kept ? qsTr("Nothing of the document. You can delete it at any time.") : qsTr("It counts for this payment only.")
    }

    actions: [
        SecondaryButton {
            text: qsTr("Pay another way")
            onClicked: screen.answer("another_way")
        },
        PrimaryButton {
            enabled: !screen.shut
            sign: "lock"
            text: qsTr("Staff: go on")
            onClicked: screen.answer("staff")
        }
    ]
}

pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property var amount
    required property bool shut

    showsBill: true
    title: qsTr("Please show staff your hand")
    text: qsTr("For a purchase of this size, staff at %1 look at your hand before you pay.").arg(merchant)
    alert: shut ? qsTr("Staff cannot confirm it at this kiosk. Please pay another way.") : ""
    help: true
    panelShare: wide ? 0.36 : 0.3
    drawing: Staff {}

    Amount {
        width: parent.width
        money: screen.amount
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

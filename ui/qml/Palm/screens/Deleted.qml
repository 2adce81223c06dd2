pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string receipt_id
    required property int palms
    required property int cards
    required property int purchases
    required property var retained_until

    title: qsTr("Your data is deleted")
    text: qsTr("Receipt %1").arg(receipt_id)
    panelShare: wide ? 0.38 : 0.3
    drawing: Check {}

    Fact {
        width: parent.width
        visible: screen.palms > 0
        sign: "check"
        text: screen.palms === 1 ? qsTr("Palm code") : qsTr("Palm codes")
    }
    Fact {
        width: parent.width
        sign: "check"
        text: qsTr("Mobile number")
    }
    Fact {
        width: parent.width
        visible: screen.cards > 0
        sign: "check"
        text: screen.cards === 1 ? qsTr("Card") : qsTr("Cards")
    }
    Fact {
        width: parent.width
        visible: screen.purchases > 0
        sign: "check"
        text: screen.purchases === 1 ? qsTr("Name on 1 purchase") : qsTr("Name on %n purchases", "", screen.purchases)
    }
    Heading {
        width: parent.width
        visible: kept.visible
        text: qsTr("Kept by law, without your name")
    }
    Fact {
        id: kept

        readonly property string what: screen.purchases === 1 ? qsTr("Amount of 1 purchase, until %1") : qsTr("Amounts of %n purchases, until %1", "", screen.purchases)

        width: parent.width
        visible: screen.purchases > 0 && !!screen.retained_until
        sign: "lock"
        colour: Tokens.inkSoft
        text: visible ? what.arg(screen.retained_until.toLocaleDateString(Qt.locale(), "MMMM yyyy")) : ""
    }

    actions: PrimaryButton {
        text: qsTr("Finish")
        onClicked: screen.answer("done")
    }
}

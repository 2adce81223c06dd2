pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant
    required property bool paying

    title: qsTr("Use your palm at %1 too?").arg(merchant)
    text: qsTr("You have signed up elsewhere. If you agree, this shop is told:")
    panelShare: 0.2
    drawing: wide ? null : shield

    Component {
        id: shield

        Shield {}
    }

    Fact {
        width: parent.width
        sign: "person"
        text: qsTr("Your first name and an initial")
        detail: qsTr("Or the end of your number, if we have no name.")
    }
    Fact {
        width: parent.width
        sign: "card"
        text: qsTr("Your card's kind and last four digits")
    }
    Fact {
        width: parent.width
        sign: "receipt"
        text: qsTr("What you buy here with your palm")
        detail: qsTr("Not what you buy elsewhere. A receipt goes to your phone; you can decline it.")
    }
    Fact {
        width: parent.width
        sign: "clock"
        text: qsTr("Until you end it here, or delete your data at any kiosk")
        detail: qsTr("We keep that you agreed, and when.")
    }

    actions: [
        SecondaryButton {
            text: screen.paying ? qsTr("Pay another way") : qsTr("Stop here")
            onClicked: screen.answer("another_way")
        },
        PrimaryButton {
            text: qsTr("Use my palm here")
            onClicked: screen.answer("agree")
        }
    ]
}

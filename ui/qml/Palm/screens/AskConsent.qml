pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string merchant

    title: qsTr("What we keep, if you agree")
    text: qsTr("To pay with your palm at %1, we keep three things.").arg(merchant)
    back: true
    step: 1
    panelShare: wide ? 0.3 : 0.28
    drawing: Shield {}

    Fact {
        width: parent.width
        sign: "hand"
        text: qsTr("A code made from your palm")
        detail: qsTr("Pictures are erased at once. The code works nowhere else.")
    }
    Fact {
        width: parent.width
        sign: "phone"
        text: qsTr("Your mobile number")
        detail: qsTr("To check that it is you. No advertising.")
    }
    Fact {
        width: parent.width
        sign: "card"
        text: qsTr("A stand-in for your card")
        detail: qsTr("Your card's number stays with the payment provider.")
    }
    Fact {
        width: parent.width
        sign: "clock"
        text: qsTr("Until you delete it")
        detail: qsTr("Here, at any time. You can always pay another way instead.")
    }

    actions: [
        SecondaryButton {
            text: qsTr("Do not agree")
            onClicked: screen.answer("back")
        },
        PrimaryButton {
            text: qsTr("I agree")
            onClicked: screen.answer("agree")
        }
    ]
}

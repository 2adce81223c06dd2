pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property var holdings

    title: qsTr("Delete all of this?")
    text: qsTr("It cannot be undone. You can always sign up again.")
    back: true
    panelShare: wide ? 0.34 : 0.26
    drawing: Trash {}

    readonly property string phone: holdings.phone_last4 === "" ? qsTr("Your mobile number") : qsTr("Mobile number ending in %1").arg(holdings.phone_last4)
    readonly property string memberships: holdings.memberships > 0 ? qsTr("Membership cards: %1").arg(holdings.memberships) : ""
    readonly property string age: holdings.ages > 0 ? qsTr("Your age") : ""
    readonly property string doors: holdings.sites > 0 ? qsTr("Doors") : ""
    readonly property string tickets: holdings.tickets > 0 ? qsTr("Tickets: %1").arg(holdings.tickets) : ""

    function cards(): string {
        if (holdings.cards.length > 1)
            return holdings.cards[0] ? qsTr("Cards ending in %1").arg(holdings.cards.map(card => card.last4).join(", ")) : qsTr("%1 cards").arg(holdings.cards.length);
        const card = holdings.cards[0];
        return card ? qsTr("%1 ending in %2").arg(Brands.nameOf(card.brand)).arg(card.last4) : qsTr("A card");
    }

    Fact {
        width: parent.width
        sign: "person"
        lines: 1
        colour: Tokens.danger
        text: screen.holdings.name_hint === "" ? qsTr("Your account") : screen.holdings.name_hint
        detail: [screen.phone, qsTr("since %1").arg(screen.holdings.member_since.toLocaleDateString(Qt.locale(), Locale.LongFormat))].join(" · ")
    }
    Fact {
        width: parent.width
        sign: "hand"
        colour: Tokens.danger
        text: screen.holdings.palms.length === 2 ? qsTr("The codes of both palms") : qsTr("The code of your palm")
    }
    Fact {
        visible: screen.holdings.cards.length > 0
        width: parent.width
        sign: "card"
        colour: Tokens.danger
        text: screen.cards()
    }
    Fact {
        visible: text !== ""
        width: parent.width
        sign: "star"
        colour: Tokens.danger
        text: [screen.memberships, screen.age, screen.doors, screen.tickets].filter(words => words !== "").join(" · ")
    }
    Fact {
        width: parent.width
        sign: "receipt"
        colour: Tokens.danger
        text: qsTr("Your name on your purchases: %1").arg(screen.holdings.purchases)
        detail: qsTr("The merchant keeps the rest for its books: amount, time, kiosk and card.")
    }

    actions: [
        SecondaryButton {
            text: qsTr("Keep my data")
            onClicked: screen.answer("back")
        },
        HoldButton {
            text: qsTr("Hold to delete")
            onHeld: screen.answer("confirm")
        }
    ]
}

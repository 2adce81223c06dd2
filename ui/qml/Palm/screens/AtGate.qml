pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.live

// A gate: the live view with one instruction, and over it the answer to the person who came last, as a
// colour, a sign and a few words that can be read at three metres. The answer disappears when the next
// hand comes, so that nobody takes it for their own, and otherwise by itself.
ScreenFrame {
    id: screen

    required property string purpose
    required property var guidance
    required property var side
    required property var attempts_left
    required property bool lifeless
    required property bool longer
    required property bool unclear
    required property string merchant
    required property string direction
    required property bool takes_tickets
    required property bool checks_in
    required property var last

    readonly property string instruction: guidance.instruction
    readonly property bool noHand: instruction === "show_palm" || instruction === "take_away"
    readonly property bool holding: instruction === "hold_still" || instruction === "hold_longer"
    readonly property bool finished: instruction === "done"
    readonly property color hue: holding || finished ? Tokens.overlayAccent : noHand ? Tokens.overlayInk : Tokens.overlayCaution
    readonly property string told: last ? last.answer : ""
    // The number distinguishes two equal answers.
    readonly property int number: last ? last.number : -1
    readonly property bool passes: told === "pass" || told === "checked_in"
    readonly property bool answering: told !== "" && noHand && !reading.over

    readonly property string wish: {
        const wishes = {
            "take_away": qsTr("Take your hand away"),
            "show_palm": purpose === "keep" ? qsTr("Your palm once more") : qsTr("Hold your palm here"),
            "one_hand": qsTr("One hand only"),
            "turn_over": qsTr("Turn your hand over"),
            "open_hand": qsTr("Open your hand"),
            "move_closer": qsTr("Come closer"),
            "move_away": qsTr("Move back a little"),
            "move_left": qsTr("Move left"),
            "move_right": qsTr("Move right"),
            "move_up": qsTr("Move up"),
            "move_down": qsTr("Move down"),
            "flatten": qsTr("Palm flat to the screen"),
            "more_light": qsTr("It is too dark here"),
            "less_light": qsTr("Too bright here"),
            "wipe": qsTr("Wipe your palm and the glass"),
            "hold_still": qsTr("Hold still"),
            "hold_longer": qsTr("Hold still a little longer"),
            "done": qsTr("One moment")
        };
        return wishes[instruction] ?? wishes["show_palm"];
    }

    // The answer in a few words, and what to do now.
    readonly property var words: {
        const card = qsTr("Please use your card or ask staff.");
        const ticket = qsTr("Please ask a steward.");
        const all = {
            "pass": [direction === "exit" ? qsTr("Goodbye") : qsTr("Welcome"), direction === "exit" ? qsTr("Please go through.") : qsTr("Please come in.")],
            "checked_in": [qsTr("You are checked in"), qsTr("They know that you are here.")],
            "ticket_added": [qsTr("Ticket added"), qsTr("Your palm is enough from now on.")],
            "not_known": [qsTr("Not recognised"), takes_tickets ? qsTr("Try again, or show your ticket.") : qsTr("Try again, or use your card.")],
            "not_sure": [qsTr("Not sure it is you"), takes_tickets ? qsTr("Try again, or show your ticket.") : qsTr("Try again, or use your card.")],
            "not_agreed": [qsTr("Not with your palm"), takes_tickets ? qsTr("Please show your ticket.") : card],
            "frozen": [qsTr("Your palm is frozen"), qsTr("You can thaw it on your pages on the web.")],
            "away": [qsTr("Not just now"), takes_tickets ? qsTr("Please show your ticket.") : card],
            "gate_fault": [qsTr("The gate does not open"), qsTr("Please ask staff.")],
            "denied": [qsTr("No access"), card],
            "no_answer": [qsTr("No answer from the door"), card],
            "not_set_up": [qsTr("Not just now"), card],
            "no_access": [qsTr("No access here"), qsTr("Please ask at the reception.")],
            "not_yet": [qsTr("Not yet"), qsTr("Your access begins later. Please ask at the reception.")],
            "expired": [qsTr("Expired"), checks_in || !takes_tickets ? qsTr("Please ask at the reception.") : ticket],
            "closed": [qsTr("Closed now"), qsTr("This door is not open to you at this hour.")],
            "already_in": [qsTr("Already inside"), qsTr("You have come in before. Please ask staff.")],
            "not_in": [qsTr("Not inside"), qsTr("You have not come in here. Please ask staff.")],
            "no_ticket": [qsTr("No ticket"), qsTr("Please show your ticket.")],
            "too_many_tickets": [qsTr("Too many tickets"), qsTr("Eight are the most. Remove one on your pages on the web, or show the ticket itself.")],
            "already_used": [qsTr("Already used"), usedBefore()],
            "unpaid": [qsTr("Not paid yet"), ticket],
            "not_approved": [qsTr("Not approved yet"), ticket],
            "wrong_list": [qsTr("Another entrance"), qsTr("Your ticket is not for this entrance. Please ask a steward.")],
            "not_yet_valid": [qsTr("Not valid yet"), ticket],
            "blocked": [qsTr("Ticket blocked"), ticket],
            "revoked": [qsTr("An old code"), qsTr("You have got another code since. Please ask a steward.")],
            "cancelled": [qsTr("Ticket cancelled"), ticket],
            "unknown": [qsTr("No ticket of ours"), ticket],
            "questions": [qsTr("A question first"), ticket],
            "rules": [qsTr("Not valid here"), ticket],
            "undecided": [qsTr("Not just now"), ticket]
        };
        return all[told] ?? ["", ""];
    }

    function usedBefore(): string {
        const at = last && last.at ? Qt.formatTime(last.at, "hh:mm") : "";
        const gate = last && last.gate ? last.gate : "";
        if (at !== "" && gate !== "")
            return qsTr("At %1, at %2. Please ask a steward.").arg(at).arg(gate);
        return at !== "" ? qsTr("At %1. Please ask a steward.").arg(at) : qsTr("Please ask a steward.");
    }

    ground: "#0b1012"
    Accessible.name: answering ? words[0] : wish
    onWishChanged: if (!answering)
        Accessible.announce(wish)
    onNumberChanged: {
        reading.over = false;
        reading.restart();
        if (told !== "")
            Accessible.announce(words[0] + ". " + words[1]);
    }

    Timer {
        id: reading

        property bool over: false

        interval: 4000
        running: screen.told !== ""
        onTriggered: over = true
    }

    Item {
        parent: screen
        anchors.fill: parent

        LiveView {
            id: view

            anchors.fill: parent
            frames: screen.frames
        }
        Rectangle {
            anchors.fill: parent
            color: screen.ground
            visible: !view.live
        }
        HandGlow {
            anchors.fill: parent
            visible: seen && view.live && !screen.answering
            points: screen.guidance.points.map(point => Qt.point(view.picture.x + (1 - point[0]) * view.picture.width, view.picture.y + point[1] * view.picture.height))
            colour: screen.hue
            opacity: screen.holding || screen.finished ? 0.45 : 0.2
        }
        PalmOutline {
            readonly property real unit: 0.4 * view.picture.height / 100

            width: Hand.box.width * unit
            height: Hand.box.height * unit
            x: view.picture.x + view.picture.width / 2 - width / 2
            y: view.picture.y + (view.picture.height - height) / 2
            visible: !screen.answering && !screen.holding && !screen.finished
            colour: screen.hue
        }
        // The instruction, in large letters, with the place.
        Rectangle {
            id: sheet

            anchors.left: parent.left
            anchors.right: parent.right
            anchors.bottom: parent.bottom
            height: Math.min(screen.height * 0.34, sheetWords.implicitHeight + 2 * Tokens.margin)
            color: Tokens.overlay
            visible: !screen.answering

            Column {
                id: sheetWords

                anchors.left: parent.left
                anchors.right: parent.right
                anchors.verticalCenter: parent.verticalCenter
                anchors.leftMargin: Tokens.margin
                anchors.rightMargin: 2 * Tokens.margin + Tokens.target
                spacing: Tokens.tight

                Label {
                    width: parent.width
                    text: screen.merchant
                    color: Tokens.overlayInk
                    font.pixelSize: Tokens.body
                    maximumLineCount: 1
                    elide: Text.ElideRight
                }
                Label {
                    width: parent.width
                    text: screen.wish
                    color: screen.hue
                    font.pixelSize: Tokens.amount
                    font.weight: Font.DemiBold
                    fontSizeMode: Text.HorizontalFit
                    minimumPixelSize: Tokens.title
                    wrapMode: Text.NoWrap
                    elide: Text.ElideRight
                }
                Label {
                    width: parent.width
                    visible: screen.noHand
                    text: screen.takes_tickets ? qsTr("Or show the code of your ticket.") : screen.checks_in ? qsTr("Then they know that you are here.") : qsTr("Or use your card.")
                    color: Tokens.overlayInk
                    font.pixelSize: Tokens.heading
                }
            }
        }
        // The answer.
        Rectangle {
            anchors.fill: parent
            visible: screen.answering
            color: screen.passes || screen.told === "ticket_added" ? "#00694e" : "#8c1d18"

            Column {
                anchors.left: parent.left
                anchors.right: parent.right
                anchors.margins: Tokens.margin
                anchors.verticalCenter: parent.verticalCenter
                spacing: Tokens.gap

                Rectangle {
                    anchors.horizontalCenter: parent.horizontalCenter
                    width: Math.min(screen.width, screen.height) * 0.36
                    height: width
                    radius: screen.passes ? width / 2 : Tokens.radius
                    color: "#ffffff"

                    Icon {
                        anchors.centerIn: parent
                        width: parent.width * 0.72
                        height: width
                        name: screen.passes || screen.told === "ticket_added" ? "check" : "cross"
                        colour: screen.passes || screen.told === "ticket_added" ? "#00694e" : "#8c1d18"
                        thickness: 3
                    }
                }
                Label {
                    width: parent.width
                    horizontalAlignment: Text.AlignHCenter
                    text: screen.words[0]
                    color: "#ffffff"
                    font.pixelSize: 1.4 * Tokens.amount
                    font.weight: Font.DemiBold
                    fontSizeMode: Text.HorizontalFit
                    minimumPixelSize: Tokens.title
                    wrapMode: Text.NoWrap
                    elide: Text.ElideRight
                }
                Label {
                    width: parent.width
                    horizontalAlignment: Text.AlignHCenter
                    text: screen.words[1]
                    color: "#ffffff"
                    font.pixelSize: Tokens.title
                }
            }
        }
    }
    QuietButton {
        parent: screen
        z: 1
        anchors.right: parent.right
        anchors.bottom: parent.bottom
        anchors.margins: Tokens.gap
        visible: !screen.answering
        enabled: !screen.spent
        colour: "#ffffff"
        sign: "lock"
        text: qsTr("Staff")
        onClicked: screen.answer("staff")
    }
    Indicator {
        parent: screen
        anchors.fill: parent
        z: 2
        shown: screen.indicated
    }
}

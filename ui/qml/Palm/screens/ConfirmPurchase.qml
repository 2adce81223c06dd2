pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import Palm

ScreenFrame {
    id: screen

    required property string merchant
    required property var amount
    required property string name_hint
    required property var card
    required property var points
    required property var over
    required property var pays_in
    required property var cards
    required property int chosen

    readonly property bool paysItself: typeof pays_in === "number"
    readonly property bool chooses: cards.length > 0
    // The longest names would leave no room for the cards.
    readonly property string calledName: chooses && name_hint.length > 20 ? name_hint.slice(0, 19) + "…" : name_hint

    showsBill: true
    title: calledName === "" ? qsTr("Is this right?") : qsTr("Is this right, %1?").arg(calledName)
    text: chooses ? (paysItself ? qsTr("The marked card pays in a moment.") : qsTr("The marked card pays. Tap another to change.")) : paysItself ? qsTr("It is paid with this card in a moment. Cancel if it is not right.") : qsTr("It is paid with this card:")
    panelShare: wide ? 0.46 : chooses ? 0.48 : 0.54
    drawing: Item {
        Column {
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width
            spacing: Tokens.tight

            Label {
                width: parent.width
                horizontalAlignment: Text.AlignHCenter
                text: screen.merchant
                font.pixelSize: Tokens.heading
                color: Tokens.inkSoft
                maximumLineCount: 3
                elide: Text.ElideRight
            }
            Amount {
                width: parent.width
                horizontalAlignment: Text.AlignHCenter
                font.pixelSize: Tokens.amount + 24
                money: screen.amount
            }
            Basket {
                width: parent.width
                items: screen.bill?.items ?? []
                tip: screen.bill?.tip ?? null
                rows: Math.max(1, Math.floor((screen.panelItem.height - 520 - (pointsLine.visible ? pointsLine.height : 0)) / 50))
            }
            // With four cards and an age, there is no room for this.
            PointsLine {
                id: pointsLine

                width: parent.width
                points: screen.points
            }
        }
    }

    CardChip {
        visible: !screen.chooses
        card: screen.card
    }
    GridLayout {
        visible: screen.chooses
        width: parent.width
        columns: 2
        columnSpacing: Tokens.tight
        rowSpacing: Tokens.tight
        uniformCellWidths: true

        Repeater {
            model: screen.cards.length

            CardChoice {
                required property int index

                Layout.fillWidth: true
                enabled: !screen.spent && !card?.expired
                card: screen.cards[index]
                chosen: index === screen.chosen
                onClicked: if (!chosen)
                    screen.enter(String(index + 1))
            }
        }
    }
    Fact {
        visible: typeof screen.over === "number"
        width: parent.width
        sign: "person"
        text: visible ? qsTr("The till is told that you are over %1").arg(screen.over) : ""
    }
    // The line becomes shorter while the shopper can still cancel.
    Rectangle {
        visible: screen.paysItself
        width: parent.width
        height: 20
        radius: height / 2
        color: Tokens.panel
        Accessible.ignored: true

        Rectangle {
            id: left

            height: parent.height
            radius: height / 2
            color: Tokens.accent
            width: parent.width

            NumberAnimation on width {
                running: screen.paysItself
                to: left.height
                duration: screen.paysItself ? screen.pays_in * 1000 : 0
            }
        }
    }

    actions: [
        SecondaryButton {
            text: qsTr("Cancel payment")
            onClicked: screen.answer("cancel")
        },
        PrimaryButton {
            text: screen.paysItself ? qsTr("Pay now") : qsTr("Pay %1").arg(screen.amount.text)
            onClicked: screen.answer("confirm")
        }
    ]
}

import QtQuick
import QtQuick.Layouts

// A button that acts only after it was held: a bar fills, and letting go empties it. The text is drawn
// twice, in the colour for the bar and the colour beside it.
Pressable {
    id: button

    Layout.fillWidth: true
    Layout.fillHeight: true

    signal held
    property string sign: "trash"
    property color colour: Tokens.danger
    // The colour of the text on the bar.
    property color colourOver: Tokens.inkOnDanger
    property real filled: 0
    readonly property int holdFor: 1500

    function start(): void {
        emptying.stop();
        filling.start();
    }

    function stop(): void {
        filling.stop();
        emptying.start();
    }

    onPressed: start()
    onReleased: stop()
    onCanceled: stop()
    Accessible.description: qsTr("Press and hold")
    Accessible.onPressAction: held()

    NumberAnimation {
        id: filling

        target: button
        property: "filled"
        to: 1
        duration: button.holdFor * (1 - button.filled)
        onFinished: button.held()
    }
    NumberAnimation {
        id: emptying

        target: button
        property: "filled"
        to: 0
        duration: Tokens.slow
    }

    background: Rectangle {
        radius: Tokens.radius
        color: Tokens.raised
        border.color: button.colour
        border.width: Tokens.stroke
        clip: true

        Rectangle {
            anchors.left: parent.left
            width: parent.width * button.filled
            height: parent.height
            radius: Tokens.radius
            color: button.colour
        }
    }
    contentItem: Item {
        id: inside

        implicitWidth: beside.implicitWidth
        implicitHeight: beside.implicitHeight

        ButtonFace {
            id: beside

            anchors.fill: parent
            text: button.text
            sign: button.sign
            colour: button.colour
        }
        Item {
            anchors.left: parent.left
            anchors.leftMargin: -button.leftPadding
            width: button.width * button.filled
            height: parent.height
            visible: width > 0
            clip: true

            ButtonFace {
                anchors.left: parent.left
                anchors.leftMargin: button.leftPadding
                width: inside.width
                height: inside.height
                text: button.text
                sign: button.sign
                colour: button.colourOver
            }
        }
    }
}

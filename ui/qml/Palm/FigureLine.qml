import QtQuick

// One live figure of the vision pass: its name and its value.
Item {
    id: figure

    // A kiosk.screens.Observed.
    required property var modelData

    readonly property list<string> words: told(modelData.figure, modelData.values)

    height: 42

    function number(value: real, decimals: int): string {
        return value.toLocaleString(Qt.locale(), "f", decimals);
    }

    function signed(value: real, decimals: int): string {
        return (value < 0 ? "" : "+") + number(value, decimals);
    }

    function hand(side: string, shown: string): string {
        const which = side === "left" ? qsTr("left") : qsTr("right");
        const face = shown === "palm" ? qsTr("palm") : shown === "back" ? qsTr("back") : qsTr("fist");
        return qsTr("%1, %2").arg(which).arg(face);
    }

    function told(figure: string, values: var): list<string> {
        switch (figure) {
        case "hands":
            return [qsTr("Hands"), number(values[0], 0)];
        case "vision_time":
            return [qsTr("Vision pass"), qsTr("%1 ms").arg(number(values[0], 0))];
        case "hand":
            return [qsTr("Hand"), hand(values[0], values[1])];
        case "distance":
            return [qsTr("Distance"), number(values[0], 2)];
        case "offset":
            return [qsTr("Offset"), signed(values[0], 2) + " " + signed(values[1], 2)];
        case "tilt":
            return [qsTr("Tilt"), qsTr("%1°").arg(number(values[0], 0))];
        case "turn":
            return [qsTr("Turn"), qsTr("%1°").arg(signed(values[0], 0))];
        case "openness":
            return [qsTr("Openness"), number(values[0], 2)];
        case "sharpness":
            return [qsTr("Sharpness"), number(values[0], 2)];
        case "brightness":
            return [qsTr("Brightness"), number(values[0], 2)];
        case "clipped":
            return [qsTr("Clipped"), qsTr("%1%").arg(number(100 * values[0], 0))];
        case "motion":
            return [qsTr("Motion"), number(values[0], 2)];
        }
        return [];
    }

    Label {
        text: figure.words[0] ?? ""
        color: Tokens.inkSoft
        font.pixelSize: Tokens.small
    }
    Label {
        anchors.right: parent.right
        text: figure.words[1] ?? ""
        font.pixelSize: Tokens.small
        font.weight: Font.DemiBold
        font.features: {
            "tnum": 1
        }
    }
}

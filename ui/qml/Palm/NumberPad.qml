pragma ComponentBehavior: Bound
import QtQuick

// A number pad: ten digits, a key to erase the last one, and a plus where a number may be foreign.
FocusScope {
    id: pad

    property string typed: ""
    required property int longest
    property bool plus: false
    readonly property real keyWidth: (width - 2 * Tokens.tight) / 3
    readonly property real keyHeight: Math.max(Tokens.target, Math.min(Tokens.key * 1.6, (height - 3 * Tokens.tight) / 4))

    signal edited(string text)

    implicitHeight: 4 * Tokens.key * 1.2 + 3 * Tokens.tight

    function takes(key: string): bool {
        return key === "erase" || key !== "" && typed.length < longest;
    }

    // A plus that is typed late is put before the digits.
    function press(key: string): void {
        if (!takes(key))
            return;
        if (key === "+")
            edited("+" + typed.replace("+", ""));
        else
            edited(key === "erase" ? typed.slice(0, -1) : typed + key);
    }

    Keys.onPressed: event => {
        if (event.key === Qt.Key_Backspace)
            press("erase");
        else if (/^[0-9]$/.test(event.text) || (plus && event.text === "+"))
            press(event.text);
        else
            return;
        event.accepted = true;
    }

    Grid {
        anchors.centerIn: parent
        columns: 3
        spacing: Tokens.tight
        // The digits are in the order of a phone in every language, also in right-to-left ones.
        LayoutMirroring.enabled: false

        Repeater {
            model: ["1", "2", "3", "4", "5", "6", "7", "8", "9", pad.plus ? "+" : "", "0", "erase"]

            Pressable {
                id: key

                required property string modelData

                visible: true
                enabled: pad.takes(modelData)
                opacity: modelData === "" ? 0 : enabled ? 1 : 0.45
                width: pad.keyWidth
                height: pad.keyHeight
                focusPolicy: Qt.TabFocus
                text: modelData === "erase" ? qsTr("Erase") : modelData
                onClicked: pad.press(modelData)

                background: Rectangle {
                    radius: Tokens.radius
                    color: key.pressed ? Tokens.accent : Tokens.raised
                    border.color: Tokens.line
                    border.width: 2
                }
                contentItem: Item {
                    Label {
                        anchors.centerIn: parent
                        visible: key.modelData !== "erase"
                        text: key.modelData
                        color: key.pressed ? Tokens.inkOnAccent : Tokens.ink
                        font.pixelSize: Tokens.title
                        lineHeight: 1
                        Accessible.ignored: true
                    }
                    Icon {
                        anchors.centerIn: parent
                        visible: key.modelData === "erase"
                        width: 64
                        height: 64
                        name: "erase"
                        colour: key.pressed ? Tokens.inkOnAccent : Tokens.ink
                    }
                }
            }
        }
    }
}

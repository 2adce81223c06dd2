import QtQuick

// One line of the self-test: a part of the kiosk, what was found about it, and the remedy.
Item {
    id: check

    // A kiosk.screens.Check.
    required property var modelData

    readonly property list<string> words: found(modelData.finding, modelData.values)

    height: Math.max(icon.height, said.height)

    function part(name: string): string {
        switch (name) {
        case "camera":
            return qsTr("Camera");
        case "mounting":
            return qsTr("Mounting");
        case "infrared":
            return qsTr("Near infrared");
        case "light":
            return qsTr("Light ring");
        case "terminal":
            return qsTr("Card terminal");
        case "service":
            return qsTr("Service");
        case "life_check":
            return qsTr("Life check");
        case "vault_key":
            return qsTr("Vault key");
        case "clock":
            return qsTr("Clock");
        case "activation":
            return qsTr("Activation");
        case "models":
            return qsTr("Palm models");
        case "disk":
            return qsTr("Disk");
        }
        return "";
    }

    function number(value: real, decimals: int): string {
        return value.toLocaleString(Qt.locale(), "f", decimals);
    }

    // What was found and, where something is wrong, the remedy.
    function found(finding: string, values: var): list<string> {
        switch (finding) {
        case "fault":
            return [values[0], values[1]];
        case "opening":
            return [qsTr("Opening %1.").arg(values[0])];
        case "delivers":
            return [values[0]];
        case "palm_wanted":
            return [qsTr("Hold your right palm to the camera, with the fingers up.")];
        case "upright":
            return [qsTr("Hands are seen upright.")];
        case "no_ring":
            return [qsTr("None: whether a hand is alive is not checked.")];
        case "ring_lit":
            return [qsTr("%1, lit and out in %2 ms.").arg(values[0]).arg(number(values[1], 0))];
        case "takes_cards":
            return [qsTr("Takes cards.")];
        case "offline":
            return [qsTr("Does not answer: the service cannot be reached."), qsTr("Check the network cable and the service's address in the settings.")];
        case "service_failed":
            return [qsTr("Does not answer: %1.").arg(values[0]), qsTr("Check the network cable and the service's address in the settings.")];
        case "answered":
            return [qsTr("Version %1, answered in %2 ms.").arg(values[0]).arg(number(values[1], 0))];
        case "ring_demanded":
            return [qsTr("The service demands a light ring."), qsTr("Attach one (docs/light-ring.md), or set liveness = \"when_present\" on the service.")];
        case "life_demanded":
            return [qsTr("Demanded of every palm.")];
        case "life_with_ring":
            return [qsTr("Made under this kiosk's ring. The service also accepts palms without a light check."), qsTr("Once every kiosk has a ring, set liveness = \"required\" on the service.")];
        case "life_unchecked":
            return [qsTr("Not made: a printed palm can pass for a hand."), qsTr("Attach a light ring (docs/light-ring.md), then set liveness = \"required\" on the service.")];
        case "key":
            return [qsTr("%1, %2").arg(values[0]).arg(values[1])];
        case "clock_right":
            return [qsTr("%1 s from the service's.").arg(number(values[0], 1))];
        case "clock_wrong":
            return [qsTr("%1 s from the service's.").arg(number(values[0], 1)), qsTr("Switch the system's time synchronisation on.")];
        case "not_activated":
            return [qsTr("Not activated."), qsTr("Press Activate and type the code that the service's operator gives.")];
        case "activated":
            return [qsTr("%1, %2").arg(values[0]).arg(values[1])];
        case "models_missing":
            return [qsTr("Missing."), values[0]];
        case "models_there":
            return [values[0]];
        case "room":
            return [qsTr("%1 MB free.").arg(number(values[0], 0))];
        case "no_room":
            return [qsTr("%1 MB free.").arg(number(values[0], 0)), qsTr("Make room in %1.").arg(values[1])];
        }
        return [];
    }

    Icon {
        id: icon

        anchors.left: parent.left
        width: 40
        height: 40
        name: check.modelData.health === "good" ? "check" : check.modelData.health === "busy" ? "clock" : "caution"
        colour: check.modelData.health === "good" ? Tokens.accent : check.modelData.health === "busy" ? Tokens.inkSoft : check.modelData.health === "warning" ? Tokens.caution : Tokens.danger
    }
    Label {
        id: name

        anchors.left: icon.right
        anchors.leftMargin: Tokens.tight
        width: 210
        text: check.part(check.modelData.part)
        font.pixelSize: Tokens.small
        font.weight: Font.DemiBold
    }
    Column {
        id: said

        anchors.left: name.right
        anchors.leftMargin: Tokens.tight
        anchors.right: parent.right

        Label {
            width: parent.width
            text: check.words[0] ?? ""
            font.pixelSize: Tokens.small
        }
        Label {
            width: parent.width
            visible: text !== ""
            text: check.words[1] ?? ""
            color: Tokens.inkSoft
            font.pixelSize: Tokens.small
        }
    }
}

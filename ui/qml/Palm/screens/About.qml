pragma ComponentBehavior: Bound
import QtQuick
import Palm

// Versions and licences, and a support bundle for those who help staff.
ScreenFrame {
    id: screen

    required property string version
    required property var device_id
    required property var packages
    required property var bundle

    title: qsTr("Support")
    text: device_id ? qsTr("Version %1 · device %2").arg(version).arg(device_id) : qsTr("Version %1 · not activated").arg(version)
    back: true

    // Where the bundle is: a sentence for each place.
    function told(made: var): string {
        const said = [];
        if (made.sent)
            said.push(qsTr("The bundle is sent: your operator can read it."));
        else
            said.push(device_id ? qsTr("The bundle could not be sent: the service does not take it.") : qsTr("The bundle could not be sent: this kiosk is not activated."));
        for (const copy of made.copies)
            said.push(qsTr("It is on the stick: %1").arg(copy));
        if (made.kept)
            said.push(qsTr("It is kept on this machine: %1").arg(made.kept));
        else
            said.push(qsTr("It could not be kept: the disk stores nothing."));
        return said.join("\n");
    }

    Label {
        id: made

        width: parent.width
        text: screen.bundle ? screen.told(screen.bundle) : qsTr("A support bundle has figures, settings, the self‑test and the log of this kiosk, and nothing about people.")
        font.pixelSize: Tokens.small
        wrapMode: Text.Wrap
        onTextChanged: made.Accessible.announce(made.text)
    }

    // Third-party parts. The list can be scrolled.
    ListView {
        id: parts

        width: parent.width
        height: Math.max(0, screen.contentRoom - y)
        model: screen.packages
        clip: true
        spacing: 4

        delegate: Item {
            id: part

            // A kiosk.screens.Package.
            required property var modelData

            width: parts.width
            height: Math.max(named.height, licence.height)

            Label {
                id: named

                width: part.width * 0.55
                text: qsTr("%1 %2", "a package and its version").arg(part.modelData.name).arg(part.modelData.version)
                font.pixelSize: Tokens.small
                wrapMode: Text.Wrap
            }
            Label {
                id: licence

                anchors.right: parent.right
                width: part.width * 0.43
                text: part.modelData.licence
                color: Tokens.inkSoft
                font.pixelSize: Tokens.small
                wrapMode: Text.Wrap
            }
        }
    }

    actions: PrimaryButton {
        text: qsTr("Make support bundle")
        onClicked: screen.answer("make_bundle")
    }
}

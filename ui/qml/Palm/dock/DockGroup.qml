import QtQuick
import Palm

// A heading with the controls under it.
Column {
    id: group

    required property string title
    default property alias content: flow.data

    width: parent.width
    spacing: 8

    Label {
        text: group.title
        color: Tokens.inkSoft
        font.pixelSize: 14
        font.weight: Font.DemiBold
    }
    Flow {
        id: flow

        width: parent.width
        spacing: 8
    }
}

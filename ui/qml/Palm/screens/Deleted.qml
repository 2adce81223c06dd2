pragma ComponentBehavior: Bound
import QtQuick
import Palm
import Palm.drawings

ScreenFrame {
    id: screen

    required property string receipt_id
    required property var erased
    required property var retained

    title: qsTr("Your data is deleted")
    text: qsTr("Receipt %1").arg(receipt_id)
    panelShare: wide ? 0.38 : 0.3
    drawing: Check {}

    Repeater {
        model: screen.erased

        Fact {
            required property string modelData

            width: parent.width
            sign: "check"
            text: modelData
        }
    }
    Heading {
        width: parent.width
        visible: screen.retained.length > 0
        text: qsTr("Kept by law, without your name")
    }
    Repeater {
        model: screen.retained

        Fact {
            required property string modelData

            width: parent.width
            sign: "lock"
            colour: Tokens.inkSoft
            text: modelData
        }
    }

    actions: PrimaryButton {
        text: qsTr("Finish")
        onClicked: screen.answer("done")
    }
}

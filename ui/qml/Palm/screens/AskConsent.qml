pragma ComponentBehavior: Bound
import QtQuick
import Palm

ConsentFrame {
    id: screen

    required property bool begun

    back: true
    step: 1
    refusal: qsTr("Do not agree")
    way: begun ? null : begunButton

    Component {
        id: begunButton

        BegunButton {
            leftPadding: screen.wide ? Tokens.gap : 0
            enabled: !screen.spent
            onClicked: screen.answer("begun")
        }
    }
}

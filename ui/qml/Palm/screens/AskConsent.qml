import QtQuick
import Palm

ConsentFrame {
    back: true
    step: 1
    refusal: qsTr("Do not agree")
}

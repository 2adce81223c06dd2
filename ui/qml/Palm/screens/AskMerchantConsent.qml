import QtQuick
import Palm

ConsentFrame {
    required property string merchant
    required property bool paying

    text: qsTr("Before your palm is used at %1, we need your agreement to this.").arg(merchant)
    refusal: paying ? qsTr("Pay another way") : qsTr("Stop here")
    refusing: "another_way"
}

import QtQuick

// What the till says about points; nothing when it does not.
Fact {
    id: line

    required property var points

    readonly property bool collects: typeof points?.collected === "number"
    readonly property string collected: collects ? (points.collected === 1 ? qsTr("1 point") : qsTr("%1 points").arg(count(points.collected))) : ""
    readonly property string balance: typeof points?.balance === "number" ? qsTr("Balance: %1").arg(count(points.balance)) : ""

    visible: text !== ""
    sign: "star"
    text: collects ? collected : balance
    detail: collects ? balance : ""

    function count(number: int): string {
        return number.toLocaleString(Qt.locale(), "f", 0);
    }
}

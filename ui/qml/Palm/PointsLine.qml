import QtQuick

// The points that the till reports. It is empty when the till reports none.
Fact {
    id: line

    required property var points

    readonly property string collected: typeof points?.collected === "number" ? (points.collected === 1 ? qsTr("1 point") : qsTr("%1 points").arg(count(points.collected))) : ""
    readonly property string balance: typeof points?.balance === "number" ? qsTr("Balance: %1").arg(count(points.balance)) : ""

    visible: text !== ""
    sign: "star"
    text: [collected, balance].filter(words => words !== "").join(" · ")

    function count(number: int): string {
        return number.toLocaleString(Qt.locale(), "f", 0);
    }
}

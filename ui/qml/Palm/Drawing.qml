import QtQuick
import QtQuick.Shapes

// Vector paths in units of their own, scaled to fit the item.
Item {
    id: drawing

    default property alias paths: shape.data
    property rect box: Qt.rect(0, 0, 400, 400)

    Accessible.ignored: true

    Shape {
        id: shape

        readonly property real ratio: Math.min(drawing.width / drawing.box.width, drawing.height / drawing.box.height)

        x: (drawing.width - drawing.box.width * ratio) / 2 - drawing.box.x * ratio
        y: (drawing.height - drawing.box.height * ratio) / 2 - drawing.box.y * ratio
        scale: ratio
        transformOrigin: Item.TopLeft
        preferredRendererType: Shape.CurveRenderer
    }
}

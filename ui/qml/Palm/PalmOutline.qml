pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Shapes

// The outline to hold the hand in: a white line with a dark one under it, visible on any picture.
Item {
    id: outline

    property color colour: Tokens.overlayInk
    property bool leftHand: false

    component Line: Drawing {
        id: drawing

        property color colour
        property real thickness

        anchors.fill: parent
        box: Hand.box

        Stroke {
            d: Hand.outline
            strokeColor: drawing.colour
            strokeWidth: drawing.thickness
            strokeStyle: ShapePath.DashLine
            // Dashes are measured in line widths; with these, both lines break at the same places.
            dashPattern: [10 / drawing.thickness, 8 / drawing.thickness]
        }
    }

    transform: Scale {
        origin.x: outline.width / 2
        xScale: outline.leftHand ? -1 : 1
    }

    Line {
        colour: "#99000000"
        thickness: 3.6
    }
    Line {
        colour: outline.colour
        thickness: 2
    }
}

import QtQuick
import QtQuick.Shapes
import Palm

// Success: a ring that closes, then a tick.
Drawing {
    id: drawing

    property real drawn: Tokens.stillness ? 1 : 0

    NumberAnimation on drawn {
        running: !Tokens.stillness
        to: 1
        duration: 2 * Tokens.slow
        easing.type: Easing.OutCubic
    }

    Stroke {
        d: "M200 60a140 140 0 1 0 .1 0z"
        fillColor: Tokens.accent
        strokeColor: "transparent"
        strokeWidth: 0
    }
    ShapePath {
        strokeColor: Tokens.accent
        strokeWidth: 8
        fillColor: "transparent"
        capStyle: ShapePath.RoundCap

        PathAngleArc {
            centerX: 200
            centerY: 200
            radiusX: 166
            radiusY: 166
            startAngle: -90
            sweepAngle: 360 * drawing.drawn
        }
    }
    Stroke {
        d: "M138 204l42 44 84-94"
        strokeColor: Tokens.inkOnAccent
        strokeWidth: 22
    }
}

pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Shapes

// A circle that fills clockwise from the top.
Shape {
    id: ring

    property real progress: 0
    property real thickness: 16
    property color colour: Tokens.overlayAccent
    property color track: "#4dffffff"

    preferredRendererType: Shape.CurveRenderer
    Accessible.ignored: true

    component Arc: ShapePath {
        id: arc

        property real part: 1

        strokeWidth: ring.thickness
        fillColor: "transparent"
        capStyle: ShapePath.RoundCap

        PathAngleArc {
            centerX: ring.width / 2
            centerY: ring.height / 2
            radiusX: (ring.width - ring.thickness) / 2
            radiusY: (ring.height - ring.thickness) / 2
            startAngle: -90
            sweepAngle: 360 * arc.part
        }
    }

    Arc {
        strokeColor: ring.track
    }
    Arc {
        strokeColor: ring.progress > 0 ? ring.colour : "transparent"
        part: ring.progress
    }
}

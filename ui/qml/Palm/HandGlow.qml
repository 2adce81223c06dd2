pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Shapes

// A light on the hand, drawn from its 21 landmarks (palm.hand.landmarks.Landmark) in pixels of this
// item.
Item {
    id: glow

    property list<point> points
    property color colour: Tokens.overlayAccent
    readonly property bool seen: points.length === 21
    readonly property real thickness: seen ? 0.3 * Math.hypot(points[5].x - points[17].x, points[5].y - points[17].y) : 0

    // There is no landmark below the little finger: a third of the palm's width beside the wrist.
    readonly property point heel: seen ? Qt.point(points[0].x + 0.3 * (points[17].x - points[5].x), points[0].y + 0.3 * (points[17].y - points[5].y) + 0.12 * (points[17].y - points[0].y)) : Qt.point(0, 0)

    function through(numbers: list<int>): list<point> {
        return seen ? numbers.map(number => points[number]) : [Qt.point(0, 0)];
    }

    visible: seen
    // It is drawn as one picture, so that overlapping fingers do not add up, and in low resolution, so
    // that it is soft.
    layer.enabled: true
    layer.smooth: true
    layer.textureSize: Qt.size(width / 2, height / 2)

    component Finger: ShapePath {
        strokeColor: glow.colour
        strokeWidth: glow.thickness
        capStyle: ShapePath.RoundCap
        joinStyle: ShapePath.RoundJoin
        fillColor: "transparent"
    }

    Shape {
        anchors.fill: parent

        Finger {
            PathPolyline {
                path: glow.through([1, 2, 3, 4])
            }
        }
        Finger {
            PathPolyline {
                path: glow.through([5, 6, 7, 8])
            }
        }
        Finger {
            PathPolyline {
                path: glow.through([9, 10, 11, 12])
            }
        }
        Finger {
            PathPolyline {
                path: glow.through([13, 14, 15, 16])
            }
        }
        Finger {
            PathPolyline {
                path: glow.through([17, 18, 19, 20])
            }
        }
        Finger {
            fillColor: glow.colour
            strokeWidth: 1.5 * glow.thickness
            PathPolyline {
                path: [...glow.through([0, 1, 5, 9, 13, 17]), glow.heel, ...glow.through([0])]
            }
        }
    }
}

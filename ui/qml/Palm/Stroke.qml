import QtQuick
import QtQuick.Shapes

// One path of a drawing, written as in SVG.
ShapePath {
    property alias d: svg.path

    strokeColor: Tokens.ink
    strokeWidth: 8
    fillColor: "transparent"
    capStyle: ShapePath.RoundCap
    joinStyle: ShapePath.RoundJoin

    PathSvg {
        id: svg
    }
}

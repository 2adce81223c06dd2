pragma ComponentBehavior: Bound
import QtQuick
import Palm

// Both palms side by side; the second one was not shown yet.
Item {
    id: hands

    Accessible.ignored: true

    component One: Drawing {
        id: one

        property bool coming: false

        width: hands.width / 2
        height: hands.height
        box: Hand.box

        Stroke {
            d: Hand.outline
            fillColor: one.coming ? "transparent" : Tokens.raised
            strokeColor: one.coming ? Tokens.accent : Tokens.ink
            strokeWidth: 5
            strokeStyle: one.coming ? 2 : 1
            dashPattern: [3, 3]
        }
        Stroke {
            d: one.coming ? "M0 -64v48 M-24 -40h48" : Hand.creases
            strokeColor: Tokens.accent
            strokeWidth: 5
        }
    }

    property bool rightFirst: true

    One {
        coming: hands.rightFirst
        transform: Scale {
            origin.x: hands.width / 4
            xScale: -1
        }
    }
    One {
        x: hands.width / 2
        coming: !hands.rightFirst
    }
}

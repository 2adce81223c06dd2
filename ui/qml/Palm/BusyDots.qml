pragma ComponentBehavior: Bound
import QtQuick

// Three dots that light up in turn while the kiosk is busy; without motion they stand still.
Row {
    id: dots

    property color colour: Tokens.accent
    property real phase: 0

    spacing: Tokens.gap
    Accessible.ignored: true

    NumberAnimation on phase {
        running: !Tokens.stillness && dots.visible
        from: 0
        to: 3
        duration: 1200
        loops: Animation.Infinite
    }

    Repeater {
        model: 3

        Rectangle {
            required property int index
            readonly property real away: Math.abs(dots.phase - index - 0.5)

            width: 32
            height: 32
            radius: 16
            color: dots.colour
            opacity: Tokens.stillness ? 1 : 0.3 + 0.7 * Math.max(0, 1 - Math.min(away, 3 - away))
        }
    }
}

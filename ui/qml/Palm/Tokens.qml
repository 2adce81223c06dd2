pragma Singleton
import QtQuick

// Every size, colour and duration of the window. Sizes are pixels of the reference panel, whose
// short side is 1080 pixels and 194 mm: 20 mm are 112 pixels. Main scales the whole to the window.
QtObject {
    id: tokens

    property string variant: "light"
    // The merchant's own colour. The service has checked that it is visible on every background of the
    // variant.
    property color chosen: "transparent"
    readonly property bool isChosen: chosen.a > 0
    property bool stillness: false
    readonly property bool dark: variant === "dark"

    // Type
    readonly property FontLoader regular: FontLoader {
        source: Qt.resolvedUrl("../../../assets/fonts/Inter-Regular.ttf")
    }
    readonly property FontLoader semibold: FontLoader {
        source: Qt.resolvedUrl("../../../assets/fonts/Inter-SemiBold.ttf")
    }
    readonly property string family: regular.name
    readonly property int amount: 112
    readonly property int display: 84
    readonly property int title: 64
    readonly property int heading: 44
    readonly property int button: 38
    readonly property int body: 34
    readonly property int small: 28

    // Space
    readonly property int hair: 8
    readonly property int tight: 16
    readonly property int gap: 24
    readonly property int loose: 40
    readonly property int margin: 64
    readonly property int radius: 28
    readonly property int stroke: 4

    // Touch
    readonly property int target: 120
    readonly property int key: 132

    // Motion, in milliseconds
    readonly property int quick: stillness ? 0 : 150
    readonly property int calm: stillness ? 0 : 240
    readonly property int slow: stillness ? 0 : 300
    readonly property int breath: 2400

    // Colour
    readonly property color ground: dark ? "#0e1416" : "#fbfaf6"
    readonly property color panel: dark ? "#10241f" : "#e3efe9"
    readonly property color raised: dark ? "#1c2629" : "#ffffff"
    readonly property color pressed: dark ? "#2b383c" : "#dde5e1"
    readonly property color line: dark ? "#7d9096" : "#6a7b75"
    readonly property color ink: dark ? "#f3f7f5" : "#12211d"
    readonly property color inkSoft: dark ? "#b7c5c5" : "#45554f"
    readonly property color accent: isChosen ? chosen : dark ? "#5fdcb1" : "#00694e"
    readonly property color accentPressed: isChosen ? shaded(chosen) : dark ? "#9aebcf" : "#004d39"
    readonly property color inkOnAccent: dark ? "#04231a" : "#ffffff"
    readonly property color caution: dark ? "#ffc65c" : "#8a5200"
    readonly property color cautionGround: dark ? "#2e2513" : "#fdf0d9"
    readonly property color danger: dark ? "#ff9a8c" : "#b3261e"
    readonly property color inkOnDanger: dark ? "#3b0905" : "#ffffff"

    // Over the live view, which may be dark or bright
    readonly property color overlay: "#d9101618"
    readonly property color overlayInk: "#ffffff"
    readonly property color overlayAccent: "#5fdcb1"
    readonly property color overlayCaution: "#ffc65c"

    function shaded(colour: color): color {
        return dark ? Qt.lighter(colour, 1.3) : Qt.darker(colour, 1.3);
    }
}

import QtQuick
import QtQuick.Shapes

// A QR code on white in both variants, with the quiet zone of four modules that ISO/IEC 18004
// requires. It is as large as there is room.
Item {
    id: image

    // The modules of each row from the left: "1" is dark.
    required property var rows

    readonly property int modules: rows.length + 8
    readonly property real module: Math.min(width, height) / modules

    Accessible.role: Accessible.Graphic
    Accessible.name: qsTr("A code for your phone's camera")

    // Draws each run of dark modules in a row as one rectangle.
    function drawn(): string {
        let path = "";
        for (let y = 0; y < rows.length; y++) {
            for (let x = rows[y].indexOf("1"); x >= 0; x = rows[y].indexOf("1", x)) {
                const end = (rows[y] + "0").indexOf("0", x);
                path += `M${x + 4} ${y + 4}h${end - x}v1h${x - end}z`;
                x = end;
            }
        }
        return path;
    }

    Rectangle {
        anchors.centerIn: parent
        width: image.modules * image.module
        height: width
        radius: Tokens.radius / 2
        color: "#ffffff"

        Shape {
            width: image.modules
            height: image.modules
            scale: image.module
            transformOrigin: Item.TopLeft

            ShapePath {
                strokeWidth: -1
                fillColor: "#000000"

                PathSvg {
                    path: image.drawn()
                }
            }
        }
    }
}

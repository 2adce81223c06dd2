import QtQuick
import QtQuick.Templates as T
import Palm

// A slider for one number of the hand's pose.
T.Slider {
    id: slider

    required property string text

    implicitWidth: 372
    implicitHeight: 30
    leftPadding: 104
    Accessible.name: text

    Label {
        width: 100
        height: slider.height
        text: slider.text
        font.pixelSize: 14
        verticalAlignment: Text.AlignVCenter
    }
    background: Rectangle {
        x: slider.leftPadding
        y: (slider.height - height) / 2
        width: slider.availableWidth
        height: 4
        radius: 2
        color: Tokens.line
    }
    handle: Rectangle {
        x: slider.leftPadding + slider.visualPosition * (slider.availableWidth - width)
        y: (slider.height - height) / 2
        width: 20
        height: 20
        radius: 10
        color: Tokens.accent
    }
}

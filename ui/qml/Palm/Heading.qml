import QtQuick

Label {
    font.pixelSize: Tokens.heading
    font.weight: Font.DemiBold
    lineHeight: 1.15
    Accessible.role: Accessible.Heading
}

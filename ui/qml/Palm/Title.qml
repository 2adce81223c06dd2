import QtQuick

Label {
    font.pixelSize: Tokens.title
    font.weight: Font.DemiBold
    font.letterSpacing: -1
    lineHeight: 1.12
    Accessible.role: Accessible.Heading
}

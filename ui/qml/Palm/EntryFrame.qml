pragma ComponentBehavior: Bound
import QtQuick

// The base of all screens on which digits are typed. The problem with the last digits is shown until
// others are typed.
ScreenFrame {
    id: entry

    property string digits: ""
    property int longest: 0
    property bool plus: false
    // Whether digits are accepted now.
    property bool taking: true
    // A code is sent with its last digit, anything else by a button.
    property bool sendsItself: false
    // What is said when no further digit fits.
    property string fullWords: ""

    property bool edited: false
    readonly property bool wrong: alert !== "" && !edited
    readonly property bool full: digits.length >= longest

    alertOver: edited
    note: fullWords
    noteOver: !full
    pad: NumberPad {
        typed: entry.digits
        longest: entry.longest
        plus: entry.plus
        enabled: !entry.spent && entry.taking
        onEdited: text => {
            entry.edited = true;
            entry.digits = text;
            if (entry.sendsItself && entry.full)
                entry.enter(text);
        }
    }
}

pragma Singleton
import QtQuick

// The text of a receipt's number.
QtObject {
    // The service's number has 32 digits, which are easier to copy in groups of four.
    function words(id: string): string {
        return qsTr("Receipt %1").arg(/^[0-9a-f]{32}$/.test(id) ? id.match(/.{4}/g).join(" ") : id);
    }
}

pragma Singleton
import QtQuick

// How the number of a receipt is shown.
QtObject {
    // The service's number has 32 digits: in groups of four it can be copied.
    function words(id: string): string {
        return qsTr("Receipt %1").arg(/^[0-9a-f]{32}$/.test(id) ? id.match(/.{4}/g).join(" ") : id);
    }
}

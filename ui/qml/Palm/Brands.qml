pragma Singleton
import QtQuick

// The names of the brands of cards, as people write them.
QtObject {
    readonly property var names: ({
            "visa": "Visa",
            "mastercard": "Mastercard",
            "amex": "American Express",
            "discover": "Discover",
            "diners": "Diners Club",
            "jcb": "JCB",
            "unionpay": "UnionPay"
        })

    readonly property var shortNames: ({
            "amex": "Amex",
            "diners": "Diners"
        })

    function shortNameOf(brand: string): string {
        return shortNames[brand] ?? nameOf(brand);
    }

    function nameOf(brand: string): string {
        return names[brand] ?? brand;
    }
}

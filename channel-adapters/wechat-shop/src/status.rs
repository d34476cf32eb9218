//! Their states and codes → ours. Whatever is not listed is `Unlisted`, which is never "paid" and never "refunded".

/// The `status` of a shop's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderStatus {
    Unpaid,
    /// Paid, to be delivered.
    Paid,
    /// Delivered, in part or whole, or done.
    HandedOver,
    /// Called off before it was paid, or because too much was sold.
    Cancelled,
    /// Called off because all of it was paid back.
    PaidBack,
    Unlisted,
}

pub(crate) fn order_status(code: i64) -> OrderStatus {
    match code {
        10 => OrderStatus::Unpaid,
        20 => OrderStatus::Paid,
        21 | 30 | 100 => OrderStatus::HandedOver,
        190 | 250 => OrderStatus::Cancelled,
        200 => OrderStatus::PaidBack,
        _ => OrderStatus::Unlisted,
    }
}

/// The `status` of an after-sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AftersaleStatus {
    /// The shop is to decide.
    Asked,
    /// Turned down, or taken back by the buyer.
    Refused,
    /// Agreed to; the money is on its way.
    Agreed,
    /// The money is back.
    Settled,
    /// Agreed to, and the money did not go back.
    Failed,
    Unlisted,
}

pub(crate) fn aftersale_status(code: &str) -> AftersaleStatus {
    match code {
        "MERCHANT_PROCESSING" => AftersaleStatus::Asked,
        "USER_CANCELD" | "MERCHANT_REJECT_REFUND" | "MERCHANT_REJECT_RETURN" | "RETURN_CLOSED" => {
            AftersaleStatus::Refused
        }
        "USER_WAIT_RETURN" | "MERCHANT_WAIT_RECEIPT" | "PLATFORM_REFUNDING" => AftersaleStatus::Agreed,
        "MERCHANT_REFUND_SUCCESS" | "MERCHANT_RETURN_SUCCESS" => AftersaleStatus::Settled,
        "PLATFORM_REFUND_FAIL"
        | "MERCHANT_REFUND_RETRY_FAIL"
        | "MERCHANT_FAIL"
        | "MERCHANT_OVERDUE_REFUND" => AftersaleStatus::Failed,
        _ => AftersaleStatus::Unlisted,
    }
}

/// How a call ended, by its `errcode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallStatus {
    Ok,
    /// It was so already.
    Already,
    /// A limit, a passing fault, or an access token that is about to be renewed.
    Busy,
    Refused,
}

pub(crate) fn call_status(errcode: i64) -> CallStatus {
    match errcode {
        0 => CallStatus::Ok,
        // Delivered before; paid back before.
        109_001 | 268_490_005 => CallStatus::Already,
        -1 | 45_009 | 45_011 => CallStatus::Busy,
        40_001 | 40_014 | 41_001 | 42_001 => CallStatus::Busy,
        // Order busy; stock not updated, too often updated; refund under way, too many calls.
        100_003 | 10_020_054 | 10_020_112 | 268_490_014 | 268_490_015 => CallStatus::Busy,
        _ => CallStatus::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_what_is_listed_is_paid_paid_back_or_done() {
        for code in [-1, 0, 1, 11, 19, 22, 31, 99, 101, 201, 249, 251] {
            assert_eq!(order_status(code), OrderStatus::Unlisted, "{code}");
        }
        for code in ["", "SUCCESS", "merchant_refund_success", "USER_WAIT_CONFIRM", "NEW"] {
            assert_eq!(aftersale_status(code), AftersaleStatus::Unlisted, "{code}");
        }
        for code in [1, 48_001, 47_001, 100_002, 101_100, 108_009, 109_000, 268_490_016] {
            assert_eq!(call_status(code), CallStatus::Refused, "{code}");
        }
    }
}

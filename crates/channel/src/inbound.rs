//! What a channel wants, in our words.

use vocabulary::{DeliveryMethod, Money, OrderId, Quantity, Secret, Timestamp};

/// How the channel expects to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It tells; we store and acknowledge. A business "no" is acknowledged too where repeating cannot help.
    Notice,
    /// It asks for something to be done and waits; the reply carries the result.
    Call,
    /// It asks how things are. Nothing changes, but keys that are shown again are recorded.
    Query,
}

/// A parsed request.
pub struct Inbound {
    /// The channel's own id of the message, unique within the account: a repeat gets the stored answer.
    /// `None` only for queries, which are answered afresh.
    pub id: Option<String>,
    /// What must be equal for a repeat to be a repeat: usually the body. Same id and other content is a conflict.
    pub content: Vec<u8>,
    /// How to answer.
    pub kind: Kind,
    /// When it happened by the channel's clock, if it says so.
    pub occurred_at: Option<Timestamp>,
    /// What it wants.
    pub ask: Ask,
}

/// What a channel wants.
pub enum Ask {
    /// An order, unpaid or paid.
    Order(OrderAsk),
    /// Money for an order that we know, from a payment gateway or the channel.
    Payment(PaymentAsk),
    /// The order is called off. Whether the money went back with it: [`crate::Capabilities::refunds_cancelled_orders`].
    /// A [`Kind::Call`] asks whether it may be, and hears no once a delivery was begun; anything else tells that it was.
    Cancel {
        /// The channel's order number.
        external_no: String,
        /// Why, as a code or the channel's words.
        reason: String,
    },
    /// The buyer asks for money back.
    RefundRequested(RefundAsk),
    /// The request for money back was taken back or turned down.
    RefundRefused(RefundAsk),
    /// The money went back.
    RefundSettled(RefundAsk),
    /// The message only hints that an order changed: ask the channel what is true. Needs [`crate::ReadBack`].
    ReadBack {
        /// The channel's order number.
        external_no: String,
    },
    /// How an order stands.
    OrderQuery {
        /// The channel's order number, if it was given.
        external_no: Option<String>,
        /// Our order id, if it was given. The order must belong to the account.
        order: Option<OrderId>,
        /// Whether the answer shows the keys of a fulfilled order.
        with_keys: bool,
    },
    /// Whether an item could be sold now. Answered with one [`crate::Offer`].
    Availability {
        /// The channel's item id.
        item: String,
        /// How many.
        quantity: Quantity,
    },
    /// What the account can sell. Answered with [`crate::Offer`]s, all of the account's listings.
    Catalogue,
    /// Nothing is to be done; acknowledge.
    Nothing,
    /// The channel hands over what we bought from it, or says that it will not. Needs [`crate::Procure`].
    Procured(crate::Procured),
    /// Several messages in one request, each with an id of its own: all are taken in, in this order. 1 to 100,
    /// no batch among them.
    Batch(Vec<Inbound>),
    /// The message is genuine but of a kind this adapter does not know: keep it, alert, acknowledge.
    Unmapped {
        /// The kind, as the channel names it (at most 64 characters).
        kind: String,
    },
}

/// An order as a channel states it.
pub struct OrderAsk {
    /// The channel's order number, unique within the account.
    pub external_no: String,
    /// Its lines: 1 to 100.
    pub lines: Vec<LineAsk>,
    /// What the channel says the order costs.
    pub amount: AmountCheck,
    /// How far the order is.
    pub stage: Stage,
    /// Who buys, if the channel says so.
    pub buyer: Option<BuyerAsk>,
    /// What to do when keys are short.
    pub shortage: Shortage,
    /// How the keys are to reach the buyer.
    pub delivery: DeliveryMethod,
    /// The journey that led to the order, by the key under which its touches are told: 1 to 80 letters, digits, `.`, `_`
    /// and `-`; none where the protocol does not carry one.
    pub journey: Option<String>,
    /// What later calls about the order need (a call-back address), in the adapter's own words. Not secret.
    pub memo: Option<String>,
}

/// One line of an order.
pub struct LineAsk {
    /// The channel's item id, looked up in the account's listings; where no listing has it, it must be one of our SKUs.
    pub item: String,
    /// How many units.
    pub quantity: Quantity,
}

/// How the channel's amount is held against our price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountCheck {
    /// The amount must be our price, to the minor unit.
    Exactly(Money),
    /// Our price must not exceed the amount.
    AtMost(Money),
    /// The platform sets the price: its amount is what the order costs.
    PlatformPrice(Money),
    /// The channel names no amount: our price holds.
    OurPrice,
}

/// How far an order is when it reaches us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Unpaid: hold keys for this many seconds.
    Placed {
        /// How long, in seconds.
        reserve_secs: u32,
    },
    /// Paid, with the payment's number (the order number where the platform has no other).
    Paid {
        /// The payment's number.
        txn: String,
    },
}

/// Who buys.
pub struct BuyerAsk {
    /// What the channel calls the buyer (openid, account, phone): becomes a pseudonym, kept sealed.
    pub reference: Secret<String>,
    /// Personal details worth keeping (sealed), as JSON text; none where the channel gives none.
    pub details: Option<Secret<String>>,
}

/// What identifies a buyer beyond the account that names them. Not printable: the value is a secret.
///
/// An address on the network, a nickname and an identifier that changes from order to order (Taobao's OAID) identify
/// nobody and have no kind here.
pub struct Identifier {
    /// What sort it is.
    pub kind: IdentifierKind,
    /// The identifier as the channel gives it.
    pub value: Secret<String>,
    /// Where it means something: the app or shop that issued it; everywhere at the merchant's where `None`.
    pub scope: Option<String>,
    /// Whether the channel vouches that it is the buyer's: a phone number that got a code, an id out of a signed
    /// message. What nobody vouches for joins nothing.
    pub verified: bool,
}

/// What sort of identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentifierKind {
    /// A phone number in full.
    Phone,
    /// WeChat's union id.
    UnionId,
    /// What an app or a shop of a platform calls the buyer; needs a scope.
    OpenId,
    /// An e-mail address.
    Email,
    /// A device.
    Device,
    /// The account that paid.
    Payer,
}

/// What to do when fewer keys are left than an order wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// Refuse the order: the channel has not taken the money for good.
    Refuse,
    /// Take it and wait for stock: the money is taken.
    Backorder,
}

/// A payment as a gateway states it.
pub struct PaymentAsk {
    /// The order number that we gave the gateway.
    pub external_no: String,
    /// The payment's number at the gateway.
    pub txn: String,
    /// How much.
    pub amount: Money,
    /// Whether to ask the gateway before believing it: its signature is weak. Needs [`crate::CheckPayment`].
    pub check_first: bool,
}

/// A refund as a channel states it.
pub struct RefundAsk {
    /// The channel's order number.
    pub external_no: String,
    /// The refund's own number, or one made from the order number where the channel has none.
    pub refund: String,
    /// How much; `None` means all that was paid.
    pub amount: Option<Money>,
    /// Why, as a code or the channel's words.
    pub reason: String,
    /// What later calls about this refund need (a version, a type), in the adapter's own words. Not secret.
    pub memo: Option<String>,
}

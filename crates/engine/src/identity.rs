//! What identifies a buyer, as keyed digests, and how far each sort of identifier carries. No identifier itself gets
//! any further than this.

use channel::{Adapter, Ask, BuyerAsk, Identifier, IdentifierKind as Told};
use domain::buyer::Link;
use events::buyer::{IdentifierKind, LinkEvidence, LinkStrength};
use vault::{MerchantKeys, SubjectPut};
use vocabulary::{Account, BuyerId};

/// Identifiers longer than this are none.
const BYTES_MAX: usize = 256;

/// A buyer as a message names them.
pub(crate) struct Met {
    pub(crate) buyer: BuyerId,
    pub(crate) subject: SubjectPut,
    pub(crate) links: Vec<Link>,
}

/// The buyer's pseudonym, what goes to the subjects store if they are new, and what else identifies them.
pub(crate) fn buyer_of(keys: &MerchantKeys, adapter: &dyn Adapter, ask: &Ask) -> Option<Met> {
    let Ask::Order(order) = ask else { return None };
    let asked = order.buyer.as_ref()?;
    let account = adapter.account();
    let buyer = keys.pseudonym(account.as_str(), asked.reference.expose());
    Some(Met { subject: subject(&buyer, account, asked), links: links(keys, adapter, asked), buyer })
}

fn subject(buyer: &BuyerId, account: &Account, asked: &BuyerAsk) -> SubjectPut {
    SubjectPut {
        buyer: buyer.clone(),
        account: account.clone(),
        reference: asked.reference.clone(),
        details: asked.details.clone(),
    }
}

fn links(keys: &MerchantKeys, adapter: &dyn Adapter, asked: &BuyerAsk) -> Vec<Link> {
    let told = adapter.identifiers(asked);
    let account = adapter.account();
    told.iter().filter_map(|identifier| link(&Digests::new(keys), account, identifier)).collect()
}

fn link(digests: &Digests<'_>, account: &Account, told: &Identifier) -> Option<Link> {
    use LinkStrength::{Medium, SearchOnly, Strong};
    let value = told.value.expose();
    let strong = if told.verified { Strong } else { SearchOnly };
    let (kind, strength, identifier) = match told.kind {
        Told::Phone if told.verified => (IdentifierKind::VerifiedPhone, Strong, digests.phone(value)),
        // What a platform calls a phone number may be virtual, masked, or another one next week.
        Told::Phone => (IdentifierKind::PlatformPhone, SearchOnly, digests.phone(value)),
        Told::UnionId => (IdentifierKind::UnionId, strong, digests.union_id(value)),
        Told::OpenId => (IdentifierKind::OpenId, strong, digests.open_id(told.scope.as_deref()?, value)),
        Told::Email => (IdentifierKind::Email, Medium, digests.email(value)),
        Told::Device => (IdentifierKind::Device, Medium, digests.device(value)),
        Told::Payer => (IdentifierKind::Payer, Medium, digests.payer(value)),
    };
    let last4 = (told.kind == Told::Phone).then(|| digests.last4(value)).flatten();
    let evidence = LinkEvidence::Channel { account: account.clone() };
    let scope = told.scope.clone();
    Some(Link { kind, identifier: identifier?, scope, strength, evidence, last4 })
}

/// Makes keyed digests of identifiers, the same for every spelling of one identifier; `None` for what cannot be one.
pub struct Digests<'k>(&'k MerchantKeys);

impl<'k> Digests<'k> {
    /// Digests under a merchant's keys.
    pub fn new(keys: &'k MerchantKeys) -> Self {
        Self(keys)
    }
    /// Of a phone number in full, with or without the country code of the mainland.
    pub fn phone(&self, text: &str) -> Option<String> {
        Some(self.0.digest("phone", &phone(text)?))
    }
    /// Of the last four digits of a phone number, or of four digits by themselves.
    pub fn last4(&self, text: &str) -> Option<String> {
        let digits = if text.len() == 4 { Some(text.to_owned()) } else { phone(text) }?;
        let last = digits.get(digits.len().checked_sub(4)?..)?;
        last.bytes().all(|b| b.is_ascii_digit()).then(|| self.0.digest("phone-last4", last))
    }
    /// Of a union id.
    pub fn union_id(&self, text: &str) -> Option<String> {
        Some(self.0.digest("union-id", word(text)?))
    }
    /// Of an open id within an app or shop.
    pub fn open_id(&self, scope: &str, text: &str) -> Option<String> {
        Some(self.0.digest(&format!("open-id/{scope}"), word(text)?))
    }
    /// Of an e-mail address; case does not matter.
    pub fn email(&self, text: &str) -> Option<String> {
        let text = word(text)?;
        let (name, host) = text.split_once('@')?;
        let is_address = !name.is_empty() && host.contains('.') && !host.contains('@');
        is_address.then(|| self.0.digest("email", &text.to_lowercase()))
    }
    /// Of a device.
    pub fn device(&self, text: &str) -> Option<String> {
        Some(self.0.digest("device", word(text)?))
    }
    /// Of an account that paid.
    pub fn payer(&self, text: &str) -> Option<String> {
        Some(self.0.digest("payer", word(text)?))
    }
    /// Of whatever else must be told apart without being known, within a space of its own.
    pub fn other(&self, space: &str, text: &str) -> String {
        self.0.digest(&format!("other/{space}"), text)
    }
}

/// One word of a bearable length.
fn word(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_word = !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    (is_word && text.len() <= BYTES_MAX).then_some(text)
}

/// The digits of a phone number in one spelling: a mobile number of the mainland without its country code, any other
/// of 7 to 15 digits as it is. Nothing that is masked.
fn phone(text: &str) -> Option<String> {
    let is_spelling = |c: char| c.is_ascii_digit() || " -+()".contains(c);
    if !text.chars().all(is_spelling) || text.len() > BYTES_MAX {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("00").unwrap_or(&digits);
    let local = digits.strip_prefix("86").filter(|local| local.len() == 11 && local.starts_with('1'));
    let digits = local.unwrap_or(digits);
    (7..=15).contains(&digits.len()).then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::phone;

    #[test]
    fn one_phone_number_has_one_spelling() {
        for text in ["13800138000", "+86 138-0013-8000", "0086 13800138000", "(86) 13800138000"] {
            assert_eq!(phone(text).as_deref(), Some("13800138000"), "{text}");
        }
        assert_eq!(phone("+44 20 7946 0958").as_deref(), Some("442079460958"));
        for text in ["138****8000", "1380", "", "a13800138000", "1234567890123456"] {
            assert_eq!(phone(text), None, "{text}");
        }
    }
}

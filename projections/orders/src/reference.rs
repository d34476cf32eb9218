//! What people call an order.

use std::{convert::Infallible, str::FromStr};

use vocabulary::{Account, ChannelCode, OrderId};

/// A way to name an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// Our id, `order-…`.
    Id(OrderId),
    /// An account's order number, `channel/shop:number`.
    Account(Account, String),
    /// An order number on any shop of a channel, `channel:number`.
    Channel(ChannelCode, String),
    /// An order number, or its beginning, on any channel.
    Number(String),
}

impl FromStr for Reference {
    type Err = Infallible;

    /// Reads what somebody typed. Whatever is not more specific is an order number.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let text = text.trim();
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        if let Some((place, number)) = text.split_once(':').filter(|(_, number)| !number.is_empty()) {
            if let Ok(account) = place.parse() {
                return Ok(Self::Account(account, number.to_owned()));
            }
            if let Ok(channel) = place.parse() {
                return Ok(Self::Channel(channel, number.to_owned()));
            }
        }
        Ok(Self::Number(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_read_as_specifically_as_they_are_written() {
        let read = |text: &str| text.parse::<Reference>().unwrap();
        let id = "order-0198c1c0a0007000800000000000002a";
        assert_eq!(read(&format!(" {id} ")), Reference::Id(id.parse().unwrap()));
        assert_eq!(
            read("taobao/main:T-1:2"),
            Reference::Account("taobao/main".parse().unwrap(), "T-1:2".into())
        );
        assert_eq!(read("taobao:T-1"), Reference::Channel("taobao".parse().unwrap(), "T-1".into()));
        assert_eq!(read("Tao Bao:T-1"), Reference::Number("Tao Bao:T-1".into()));
        assert_eq!(read("T-1"), Reference::Number("T-1".into()));
    }
}

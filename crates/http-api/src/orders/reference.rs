//! Which order somebody means.

use std::collections::BTreeSet;

use event_log::NumberKind;
use projection_orders::Reference;
use serde_json::{Value, json};
use vocabulary::{Account, OrderId, Reason};

use crate::{
    api::Api,
    problem::{self, Problem},
};

/// The order that a reference names: our id, `channel/shop:number`, `channel:number`, or a number that only one
/// order has. Numbers are looked up in the log, so an order is found as soon as it is recorded.
pub(crate) async fn resolve(api: &Api, text: &str) -> Result<OrderId, Problem> {
    // Reading a reference cannot fail: what is nothing else is a number.
    let Ok(reference) = text.parse::<Reference>();
    let (namespaces, number) = match reference {
        Reference::Id(order) => return Ok(order),
        Reference::Account(account, number) => {
            (namespaces(api, |a| *a == account, Some(account.clone())).await?, number)
        }
        Reference::Channel(channel, number) => {
            (namespaces(api, |account| account.channel() == channel.as_str(), None).await?, number)
        }
        Reference::Number(number) => (namespaces(api, |_| true, None).await?, number),
    };
    let keys: Vec<(NumberKind, String, String)> = namespaces
        .into_iter()
        .map(|account| (NumberKind::Order, account.to_string(), number.clone()))
        .collect();
    let found = api.engine.log().find_numbers(api.merchant(), &keys).await?;
    match found.as_slice() {
        [] => Err(Problem::rejected(Reason::UnknownOrder, "no order has this number")),
        [one] => Ok(one.order),
        several => {
            let candidate = |row: &event_log::NumberRow| -> Value {
                json!({ "order": row.order, "ref": format!("{}:{}", row.namespace, row.number) })
            };
            let candidates = several.iter().map(candidate).collect();
            Err(Problem::new(problem::AMBIGUOUS)
                .detail("name the account, too")
                .with("candidates", candidates))
        }
    }
}

/// The accounts whose order numbers the wanted accounts use.
async fn namespaces(
    api: &Api,
    wanted: impl Fn(&Account) -> bool,
    itself: Option<Account>,
) -> Result<BTreeSet<Account>, Problem> {
    let accounts = api.accounts().await?;
    let mut all: BTreeSet<Account> =
        accounts.into_iter().filter(|(account, _)| wanted(account)).map(|(_, orders_of)| orders_of).collect();
    if all.is_empty() {
        // An account that the read models have not seen yet.
        all.extend(itself);
    }
    Ok(all)
}

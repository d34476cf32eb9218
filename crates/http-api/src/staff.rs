//! What people with a token looked at goes into the log, before they get to see it.

use channel::Reply;
use engine::{OperatorCall, OperatorCommand};
use events::Fact;
use vocabulary::StreamId;

use crate::{api::Api, auth::Operator, problem::Problem};

/// Records a fact in the token holder's journal. When this returns, it is durable.
pub(crate) async fn record(api: &Api, operator: &Operator, fact: impl Into<Fact>) -> Result<(), Problem> {
    let command = OperatorCommand::Record(vec![(journal(operator)?, fact.into())]);
    let call = OperatorCall { actor: operator.actor(), command, idempotency_key: None, request: None };
    let rendered = |result: &Result<_, domain::Rejection>, _| match result {
        Ok(_) => Reply::json(200, String::new()),
        Err(rejection) => Problem::from(rejection.clone()).into_reply(),
    };
    match api.engine.call(call, Box::new(rendered)).await?.status {
        200 => Ok(()),
        status => Err(Problem::internal("recording", &std::io::Error::other(format!("answered {status}")))),
    }
}

/// `staff-<who>`.
fn journal(operator: &Operator) -> Result<StreamId, Problem> {
    let shop = operator.account().map(|account| account.shop().to_string());
    let who = shop.unwrap_or_else(|| "operator".to_owned());
    format!("staff-{who}").parse().map_err(|error| Problem::internal("naming a journal", &error))
}

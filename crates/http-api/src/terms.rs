//! What an account costs and is good for.

use axum::{extract::State, response::Response};
use engine::OperatorCommand;
use events::channel::{ChannelKind, ChannelTermsSet};
use serde::Deserialize;
use vocabulary::{Account, ChannelCode, ShopId};

use crate::{
    api::Shared,
    call::{Answer, Write},
    extract::Segments,
    free_text,
    problem::Problem,
};

/// The terms of an account.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Terms {
    /// `marketplace`, `social`, `own`, `offline` or `partner`.
    #[schema(value_type = String, example = "marketplace")]
    kind: ChannelKind,
    /// What the channel keeps of a sale, in hundredths of a per cent: at most 10000.
    commission_bp: u32,
    /// What taking the payment costs, in hundredths of a per cent: at most 10000.
    pay_fee_bp: u32,
    /// How many seconds it takes until a stock figure is shown: at most a week.
    sync_delay_s: u32,
    /// What it is good for, in your words: at most 20, of 1 to 50 characters.
    #[serde(default)]
    value_tags: Vec<String>,
}

/// Sets what an account costs and is good for, in place of what was set before. It changes no price and no stock: figures
/// of margin and value are made with it.
#[utoipa::path(post, path = "/v1/channels/{channel}/{shop}/terms", tag = "channels", request_body = Terms,
    params(("channel" = String, Path), ("shop" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn set(
    State(api): State<Shared>,
    Segments((channel, shop)): Segments<(ChannelCode, ShopId)>,
    Write { body, call }: Write<Terms>,
) -> Result<Response, Problem> {
    let Terms { kind, commission_bp, pay_fee_bp, sync_delay_s, value_tags } = body;
    for tag in &value_tags {
        free_text::check(&api, "value_tags", tag).await?;
    }
    let account = Account::new(&channel, &shop);
    let terms = ChannelTermsSet { account, kind, commission_bp, pay_fee_bp, sync_delay_s, value_tags };
    call.perform(&api, OperatorCommand::SetTerms(terms)).await
}

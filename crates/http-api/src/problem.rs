//! What went wrong, as problem details (RFC 9457) with a stable code and a title in two languages.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use channel::Reply;
use domain::Rejection;
use engine::EngineError;
use event_log::LogError;
use projection::ViewsError;
use serde_json::{Map, Value, json};
use vault::VaultError;
use vocabulary::Reason;

/// One kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) code: &'static str,
    pub(crate) status: u16,
    pub(crate) en: &'static str,
    pub(crate) zh: &'static str,
    /// Whether the same request may succeed later.
    pub(crate) retryable: bool,
}

macro_rules! kinds {
    ($( $name:ident = $code:literal, $status:literal, $en:literal, $zh:literal $(, $again:ident)?; )*) => {
        $( pub(crate) const $name: Kind = Kind {
            code: $code, status: $status, en: $en, zh: $zh, retryable: kinds!(@again $($again)?),
        }; )*
        const OWN: &[Kind] = &[ $( $name ),* ];
    };
    (@again retryable) => { true };
    (@again) => { false };
}

kinds! {
    MALFORMED_JSON = "malformed_json", 400, "The body is not plain JSON.", "请求体不是合法的 JSON。";
    INTERRUPTED = "interrupted", 400, "The body ended before its time.", "请求体未传完。", retryable;
    UNAUTHORIZED = "unauthorized", 401, "A valid token is required.", "需要有效的访问令牌。";
    NOT_FOUND = "not_found", 404, "There is nothing at this address.", "地址不存在。";
    UNKNOWN_PROTOCOL = "unknown_protocol", 404, "There is no such channel protocol.", "渠道协议不存在。";
    UNKNOWN_VIEW = "unknown_view", 404, "There is no such view.", "视图不存在。";
    UNKNOWN_ROW = "unknown_row", 404, "The view has no row with this key.", "视图中没有该主键的行。";
    UNKNOWN_PROJECTION = "unknown_projection", 404, "There is no such read model.", "读模型不存在。";
    UNKNOWN_MESSAGE = "unknown_message", 404, "There is no such message.", "消息不存在。";
    UNKNOWN_IMPORT = "unknown_import", 404, "There is no such imported history.", "导入的历史不存在。";
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, "The address does not take this method.", "该地址不支持此方法。";
    AMBIGUOUS = "ambiguous_reference", 409, "Several orders have this number.", "该编号对应多个订单。";
    CANNOT_FIT = "cannot_fit", 409, "There is too little to fit the model to.", "数据不足，无法拟合模型。", retryable;
    BEHIND = "behind", 409, "The read models have not got that far yet.", "读模型尚未追上该位置。", retryable;
    TOO_LARGE = "payload_too_large", 413, "The body is too large.", "请求体过大。";
    UNSUPPORTED_TYPE = "unsupported_media_type", 415, "The content type is not one that is taken here.", "不支持该内容类型。";
    INVALID_BODY = "invalid_body", 422, "The body does not have the expected fields.", "请求体字段不符合要求。";
    INVALID_HISTORY = "invalid_history", 422, "The file is not an order's history as it was exported.", "文件不是完整的订单历史导出。";
    INVALID_PARAMETER = "invalid_parameter", 422, "A parameter or header is not acceptable.", "参数或请求头不合法。";
    INVALID_SETTINGS = "invalid_settings", 422, "The settings of the account are not usable.", "渠道账号配置不可用。";
    PRIVATE_TEXT = "private_text", 422, "The text holds personal data or a card key.", "文本含有个人信息或卡密。";
    TOO_MANY_REVEALS = "too_many_reveals", 429, "Card keys were shown too often within an hour.", "一小时内查看卡密次数过多。", retryable;
    SQL_REFUSED = "sql_refused", 403, "The query may not be run.", "该查询不允许执行。";
    SQL_ERROR = "sql_error", 422, "The query cannot be run.", "该查询无法执行。";
    SQL_OVER_BUDGET = "sql_over_budget", 422, "The query costs too much.", "该查询超出资源限额。";
    INTERNAL = "internal", 500, "Something is broken on our side.", "服务内部错误。";
    BUSY = "busy", 503, "Too much is waiting; come again.", "请求过多，请稍后重试。", retryable;
    STOPPED = "stopped", 503, "The service is stopping or has stopped; come again.", "服务已停止或正在停止，请稍后重试。", retryable;
    NO_OWNER = "no_owner", 503, "No node serves this merchant at the moment; come again.", "当前没有节点为该商户服务，请稍后重试。", retryable;
    NOT_OWNER = "not_owner", 503, "Another node serves this merchant and is not reached; nothing was done.", "该商户由另一节点服务且暂时无法转达，未做任何处理。", retryable;
    TIMEOUT = "timeout", 503, "It took too long; whether it happened is unknown.", "处理超时，结果未知。", retryable;
}

/// The kind of problem that a business "no" is.
fn kind_of(reason: Reason) -> Kind {
    use Reason as R;
    let status = match reason {
        R::UnknownItem | R::UnknownSku | R::UnknownChannel | R::UnknownOrder | R::UnknownKey => 404,
        R::InvalidQuantity | R::InvalidValue | R::AmountMismatch | R::CurrencyMismatch => 422,
        R::ChannelSuspended
        | R::OutOfStock
        | R::QuotaExhausted
        | R::NoPrice
        | R::OrderNumberReused
        | R::TxnReused
        | R::MessageIdReused
        | R::WrongState
        | R::RefundTooLarge
        | R::NotReplaceable
        | R::AlreadyExists => 409,
    };
    let retryable = matches!(reason, R::ChannelSuspended | R::OutOfStock | R::QuotaExhausted);
    Kind { code: reason.code(), status, en: reason.en(), zh: reason.zh(), retryable }
}

/// Every kind of problem, by code.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut all: Vec<Kind> = OWN.iter().copied().chain(Reason::ALL.iter().map(|r| kind_of(*r))).collect();
    all.sort_unstable_by_key(|kind| kind.code);
    all
}

/// Every error code this API answers with: code, HTTP status, title in English and in Chinese; sorted by code.
pub fn error_catalogue() -> Vec<(&'static str, u16, &'static str, &'static str)> {
    kinds().into_iter().map(|kind| (kind.code, kind.status, kind.en, kind.zh)).collect()
}

/// What went wrong with one request. Its texts hold no secret and no value from the request.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: Kind,
    detail: Option<String>,
    more: Map<String, Value>,
}

impl Problem {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, detail: None, more: Map::new() }
    }
    /// A business "no" of the API itself.
    pub(crate) fn rejected(reason: Reason, detail: impl Into<String>) -> Self {
        Self::new(kind_of(reason)).detail(detail)
    }
    /// A parameter or header that is not acceptable.
    pub(crate) fn parameter(detail: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMETER).detail(detail)
    }
    /// Whether the fault is ours and not in what was asked.
    pub(crate) fn is_ours(&self) -> bool {
        self.kind.status >= 500
    }
    /// Its stable code.
    pub(crate) fn code(&self) -> &'static str {
        self.kind.code
    }
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
    /// A further member.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }
    /// Our own fault: the cause goes to the log, and the caller learns that it was not theirs.
    pub(crate) fn internal(doing: &str, error: &dyn std::error::Error) -> Self {
        let mut cause = error.to_string();
        let mut next = error.source();
        while let Some(error) = next {
            cause.push_str(": ");
            cause.push_str(&error.to_string());
            next = error.source();
        }
        tracing::error!(doing, cause, "a request failed");
        Self::new(INTERNAL)
    }
    /// The same as a reply that can be kept.
    pub(crate) fn into_reply(self) -> Reply {
        let Kind { code, status, en, zh, retryable } = self.kind;
        let mut body = json!({
            "type": format!("/errors/{code}"), "title": en, "title_zh": zh, "status": status, "code": code,
            "detail": self.detail, "retryable": retryable,
        });
        if let Value::Object(members) = &mut body {
            members.retain(|_, value| !value.is_null());
            members.extend(self.more);
        }
        Reply {
            status,
            content_type: "application/problem+json".to_owned(),
            retry_after: (status == 503).then_some(1),
            body: body.to_string().into_bytes(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        respond(self.into_reply())
    }
}

/// A reply, verbatim.
pub(crate) fn respond(reply: Reply) -> Response {
    let Ok(status) = StatusCode::from_u16(reply.status) else {
        tracing::error!(status = reply.status, "a reply has no valid status");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (status, reply.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    if let Ok(content_type) = HeaderValue::from_str(&reply.content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    if let Some(secs) = reply.retry_after {
        headers.insert(header::RETRY_AFTER, secs.into());
    }
    response
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        Self::rejected(rejection.reason, rejection.detail)
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Stopped => Self::new(STOPPED),
            EngineError::Busy => Self::new(BUSY),
            EngineError::UnknownAccount => Self::new(kind_of(Reason::UnknownChannel)),
            EngineError::Rejected(rejection) => rejection.into(),
            EngineError::UnknownProtocol(_) => Self::new(UNKNOWN_PROTOCOL),
            EngineError::Settings(error) => Self::new(INVALID_SETTINGS).detail(error.0.join("; ")),
            error => Self::internal("asking the engine", &error),
        }
    }
}

macro_rules! our_fault {
    ($( $error:ty => $doing:literal; )*) => {
        $( impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                Self::internal($doing, &error)
            }
        } )*
    };
}

our_fault! {
    LogError => "reading the log";
    VaultError => "asking the vault";
    ViewsError => "asking the read models";
    sqlx::Error => "querying the read models";
    events::DecodeError => "reading an event";
    projection_orders::HistoryError => "telling a history";
    serde_json::Error => "writing JSON";
    std::io::Error => "reading a file";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_told_once_with_a_title_in_both_languages() {
        let all = error_catalogue();
        for pair in all.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} comes twice", pair[1].0);
        }
        for (code, status, en, zh) in all {
            assert!((400..600).contains(&status), "{code}");
            assert!(en.ends_with('.') && zh.ends_with('。'), "{code}");
            assert!(
                code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{code}"
            );
        }
    }
}

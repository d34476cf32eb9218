//! Where a value stands in a request: `param:pid`, `json:/order/no`, `header:x-sign`, …

use std::str::FromStr;

use serde::Deserialize;

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Place {
    /// `query:NAME`, of the query string.
    Query(String),
    /// `form:NAME`, of a form body.
    Form(String),
    /// `param:NAME`: of the query of a `GET`, of the form of any other method, never of both.
    Param(String),
    /// `json:/POINTER`, a text, number or truth value of a JSON body.
    Json(String),
    /// `header:NAME`, in lower case.
    Header(String),
    /// `topic`: the path behind the shop's address.
    Topic,
}

impl Place {
    /// The name that stands in front of the value in a signed text.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Query(name) | Self::Form(name) | Self::Param(name) | Self::Header(name) => name,
            Self::Json(pointer) => pointer.rsplit('/').next().unwrap_or_default(),
            Self::Topic => "topic",
        }
    }
}

impl FromStr for Place {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPES: &str =
            "a place is query:NAME, form:NAME, param:NAME, json:/POINTER, header:NAME or topic";
        if text == "topic" {
            return Ok(Self::Topic);
        }
        let (kind, name) = text.split_once(':').filter(|(_, name)| !name.is_empty()).ok_or(SHAPES)?;
        let name = name.to_owned();
        match kind {
            "query" => Ok(Self::Query(name)),
            "form" => Ok(Self::Form(name)),
            "param" => Ok(Self::Param(name)),
            "header" => Ok(Self::Header(name.to_ascii_lowercase())),
            "json" if name.starts_with('/') && !name.contains('~') => Ok(Self::Json(name)),
            _ => Err(SHAPES),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

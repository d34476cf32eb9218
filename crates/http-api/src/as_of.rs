//! Moments of the past, and read models as they were then.

use std::{collections::VecDeque, sync::Arc};

use projection::{Cut, Projection, Views, fold_as_of};
use serde::Deserialize;
use vocabulary::{ParseError, Position, Timestamp};

use crate::{api::Api, problem::Problem};

/// How many folded read models are kept: looking at the past costs a fold of the log, paging through it should not.
const KEPT: usize = 4;

/// A moment: a position of the log, or an instant by our clock ("as we knew then").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Moment {
    Position(Position),
    Instant(Timestamp),
}

impl TryFrom<String> for Moment {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(Position(position)));
        }
        // An unescaped plus in a query string is read as a space.
        let at = Timestamp::parse_rfc3339(&text.replace(' ', "+"));
        at.map(Self::Instant)
            .map_err(|_| ParseError { what: "moment", why: "is neither a position nor RFC 3339" })
    }
}

impl From<Moment> for projection_orders::At {
    fn from(moment: Moment) -> Self {
        match moment {
            Moment::Position(position) => Self::Position(position),
            Moment::Instant(at) => Self::Instant(at),
        }
    }
}

impl Moment {
    /// The last position of the log at this moment.
    pub(crate) async fn position(self, api: &Api) -> Result<Position, Problem> {
        let log = api.engine.log();
        match self {
            Self::Position(position) => {
                let head = log.head(api.merchant()).await?.map(|head| head.position).unwrap_or_default();
                Ok(position.min(head))
            }
            Self::Instant(at) => Ok(log.position_at(api.merchant(), at).await?),
        }
    }
}

/// Which moment a question is about; now, where it says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked {
    /// As we knew then.
    pub(crate) as_of: Option<Moment>,
    /// As the world was.
    pub(crate) effective: Option<Moment>,
}

impl Asked {
    /// The events that are folded; none where the live rows are meant.
    pub(crate) async fn cut(self, api: &Api) -> Result<Option<Cut>, Problem> {
        let effective = match self.effective {
            None => None,
            Some(Moment::Instant(at)) => Some(at),
            Some(Moment::Position(_)) => return Err(Problem::parameter("effective is an instant, RFC 3339")),
        };
        let position = match self.as_of {
            Some(moment) => moment.position(api).await?,
            None if effective.is_none() => return Ok(None),
            None => Moment::Position(Position(u64::MAX)).position(api).await?,
        };
        let received = match self.as_of {
            Some(Moment::Instant(at)) => Some(at),
            _ => None,
        };
        Ok(Some(Cut { position, effective, received }))
    }
}

/// Read models of the past that were folded lately, the newest first.
#[derive(Default)]
pub(crate) struct Past(VecDeque<(Vec<&'static str>, Cut, Arc<Views>)>);

/// The rows of some read models, all where none is named, as they were. One fold is made at a time.
pub(crate) async fn folded(api: &Api, names: &[&'static str], cut: Cut) -> Result<Arc<Views>, Problem> {
    let needed = |projection: &&Arc<dyn Projection>| names.is_empty() || names.contains(&projection.name());
    let projections: Vec<_> = api.views().projections().iter().filter(needed).cloned().collect();
    let names: Vec<&'static str> = projections.iter().map(|projection| projection.name()).collect();
    let mut past = api.past.lock().await;
    let known =
        past.0.iter().find(|(folded, at, _)| names.iter().all(|name| folded.contains(name)) && *at == cut);
    if let Some((_, _, views)) = known {
        return Ok(views.clone());
    }
    let log = api.engine.log();
    let views = fold_as_of(log.as_ref(), api.merchant(), projections, cut).await?;
    past.0.truncate(KEPT - 1);
    past.0.push_front((names, cut, views.clone()));
    Ok(views)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_or_an_instant() {
        let read = |text: &str| Moment::try_from(text.to_owned()).ok();
        assert_eq!(read("17"), Some(Moment::Position(Position(17))));
        let at = Some(Moment::Instant(Timestamp::from_secs(0)));
        assert_eq!(read("1970-01-01T00:00:00Z"), at);
        assert_eq!(read("1970-01-01T08:00:00 08:00"), at);
        assert_eq!(read("yesterday"), None);
    }
}

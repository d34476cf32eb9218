use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use analyst::{
    Source,
    sql::{self, Answer, Budget, Question, SqlError},
};
use events::RecordedEvent;
use projection::{
    Follower, Projection, Views,
    testkit::{merchant, plausible_history},
};
use vocabulary::{MerchantId, Position};

/// Two merchants' read models in one file.
pub(crate) struct World {
    _dir: tempfile::TempDir,
    pub(crate) views: Arc<Views>,
    pub(crate) history: Vec<RecordedEvent>,
}

pub(crate) fn models() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(projection_inbox::Inbox),
        Arc::new(projection_journeys::Journeys),
        Arc::new(projection_quotas::Quotas),
        Arc::new(projection_insight::Insight),
        Arc::new(projection_people::People),
        Arc::new(projection_sales::Sales),
        Arc::new(projection_timeline::Timeline),
        Arc::new(projection_orders::Orders),
        Arc::new(projection_marts::Marts),
    ]
}

pub(crate) fn other() -> MerchantId {
    "other".parse().unwrap()
}

impl World {
    pub(crate) async fn new(events: usize) -> Self {
        Self::of(plausible_history(7, events)).await
    }

    pub(crate) async fn of(history: Vec<RecordedEvent>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // A name with signs that mean something in an address.
        let path = dir.path().join("views #1?%41.db");
        let views = Arc::new(Views::open(&path, models()).await.unwrap());
        let mut theirs = plausible_history(8, history.len());
        theirs.iter_mut().for_each(|event| event.merchant = other());
        for (merchant, events) in [(merchant(), history.clone()), (other(), theirs)] {
            let mut follower = Follower::new(views.clone(), &merchant).await.unwrap();
            follower.apply(events).await.unwrap();
        }
        Self { _dir: dir, views, history }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.views.path().to_owned()
    }

    pub(crate) fn source(&self, name: &str) -> Source {
        Source::find(self.views.projections(), name).unwrap()
    }

    pub(crate) fn question(&self, text: &str) -> Question {
        Question {
            views: self.path(),
            merchant: merchant(),
            projections: self.views.projections().to_vec(),
            log_head: Position(self.history.len() as u64),
            now: self.history.last().unwrap().recorded_at.plus_secs(10),
            text: text.to_owned(),
            budget: Budget::default(),
            given_up: Arc::new(AtomicBool::new(false)),
        }
    }

    pub(crate) fn ask(&self, text: &str) -> Result<Answer, SqlError> {
        sql::run(&self.question(text))
    }

    pub(crate) fn refused(&self, text: &str) -> String {
        match self.ask(text) {
            Err(SqlError::Refused(why)) => why,
            other => panic!("{text}: {other:?}"),
        }
    }
}

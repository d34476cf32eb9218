//! Orders: finding them, how they came to be what they are, and what support does with them.

pub(crate) mod actions;
pub(crate) mod causes;
pub(crate) mod export;
pub(crate) mod history;
pub(crate) mod read;
pub(crate) mod reference;

pub(crate) use projection_orders::OrderView;

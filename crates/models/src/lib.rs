//! What past sales say about coming ones: pure calculations, which know nothing of events, tables or clocks.
//!
//! - [`forecast`]: demand of the coming days, with quantiles; [`lost_sales`]: what an empty stock cost.
//! - [`rfm`]: buyers by recency, frequency and money; [`ltv`]: what a buyer will still buy, and for how much.
//! - [`attribution`]: which channels an order is owed to, by seven models side by side.
//! - [`negative_binomial`] and [`apportion`]: the distribution and the rounding that they share.
//!
//! The same input gives the same output to the last bit, on any machine: sums run in a fixed order, no answer
//! depends on the order of an unordered input, and logarithms and powers are computed in Rust (`libm`), not by the
//! machine's own library.
#![warn(missing_docs)]

pub mod apportion;
pub mod attribution;
pub mod forecast;
pub mod lost_sales;
pub mod ltv;
pub mod negative_binomial;
pub mod rfm;
mod simplex;

/// Why a model cannot be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// There is too little to learn from.
    #[error("{have} rows are too few to fit to; at least {needed} are needed")]
    TooFew {
        /// Rows that say something.
        have: usize,
        /// Rows needed.
        needed: usize,
    },
    /// A number is outside what the model is defined for, for example a last purchase after the end.
    #[error("row {row} is not possible: {why}")]
    Impossible {
        /// Which row, from 0, in the order given.
        row: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// The search found no best parameters.
    #[error("no best parameters were found within {steps} steps")]
    NotFound {
        /// Steps taken.
        steps: usize,
    },
}

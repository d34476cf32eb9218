//! What a buyer will still buy, and for how much: BG/NBD for how often, Gamma-Gamma for how much at a time.
//!
//! BG/NBD (Fader, Hardie and Lee 2005): while they are with us, people buy at a rate of their own; after each purchase
//! they may leave for good, with a probability of their own. Rates are gamma distributed over people, leavings beta.
//! Gamma-Gamma (Fader and Hardie 2013): what somebody spends at a time scatters around a value of their own, which is
//! itself distributed over people and does not depend on how often they buy.

mod bg_nbd;
mod gamma_gamma;

pub use bg_nbd::{BgNbd, History};
pub use gamma_gamma::{GammaGamma, Spending};

//! What an empty stock cost: the demand expected of the hours without stock, less what was bought elsewhere instead.

use crate::forecast::{Calendar, Forecaster};

/// One hour without stock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmptyHour {
    /// The day.
    pub day: Calendar,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// How much of the hour there was no stock, 0 to 1.
    pub share: f64,
}

/// A time without stock of one item on one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Outage {
    /// Its hours, oldest first.
    pub hours: Vec<EmptyHour>,
    /// Units that were asked for and refused in it: at least these were lost or bought elsewhere.
    pub refused_units: u32,
    /// Units of the item that the same persons bought elsewhere within a day.
    pub substituted_units: u32,
    /// What one unit would have earned, in minor units.
    pub unit_margin_minor: i64,
}

/// What an outage cost, in units and minor units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lost {
    /// The expected demand of the hours without stock, before substitution.
    pub expected_units: f64,
    /// Lost units, exceeded in 90 of 100 cases.
    pub units_p10: f64,
    /// Lost units, exceeded in half the cases.
    pub units_p50: f64,
    /// Lost units, exceeded in 10 of 100 cases.
    pub units_p90: f64,
    /// What the middle estimate would have earned.
    pub margin_minor: i64,
}

/// What an outage cost. No estimate is below the units that were refused and not bought elsewhere, and none below 0.
pub fn lost(model: &Forecaster, outage: &Outage) -> Lost {
    let expected = |hour: &EmptyHour| model.hour(hour.day, hour.hour.into()) * hour.share.clamp(0.0, 1.0);
    let expected_units: f64 = outage.hours.iter().map(expected).sum();
    let refused = f64::from(outage.refused_units);
    let substituted = f64::from(outage.substituted_units);
    let [p10, p50, p90] = model
        .demand(expected_units)
        .quantiles([0.1, 0.5, 0.9])
        .map(|units| (units.max(refused) - substituted).max(0.0));
    let margin_minor = outage.unit_margin_minor.saturating_mul(p50 as i64);
    Lost { expected_units, units_p10: p10, units_p50: p50, units_p90: p90, margin_minor }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::Day;

    /// Two units in each hour of each day for twenty weeks.
    fn steady() -> Forecaster {
        let day = |day: u8| Day { calendar: Calendar::usual(day % 7), hours: [Some(2); 24] };
        Forecaster::fit(&(0..140).map(day).collect::<Vec<_>>()).unwrap()
    }

    fn outage(hours: u8) -> Outage {
        let hour = |hour| EmptyHour { day: Calendar::usual(1), hour, share: 1.0 };
        let hours = (0..hours).map(hour).collect();
        Outage { hours, refused_units: 0, substituted_units: 0, unit_margin_minor: 250 }
    }

    #[test]
    fn lost_units_are_the_demand_of_the_empty_hours() {
        let lost = lost(&steady(), &outage(10));
        assert!((lost.expected_units - 20.0).abs() < 1e-9, "{lost:?}");
        assert_eq!((lost.units_p10, lost.units_p50, lost.units_p90), (14.0, 20.0, 26.0));
        assert_eq!(lost.margin_minor, 20 * 250);
    }

    #[test]
    fn what_was_bought_elsewhere_is_not_lost() {
        let lost = lost(&steady(), &Outage { substituted_units: 16, ..outage(10) });
        assert_eq!((lost.units_p10, lost.units_p50, lost.units_p90), (0.0, 4.0, 10.0));
        assert_eq!(lost.margin_minor, 4 * 250);
    }

    #[test]
    fn refused_attempts_are_the_lower_bound() {
        let lost = lost(&steady(), &Outage { refused_units: 24, substituted_units: 1, ..outage(10) });
        assert_eq!((lost.units_p10, lost.units_p50, lost.units_p90), (23.0, 23.0, 25.0));
    }

    #[test]
    fn part_of_an_hour_counts_in_part_and_no_hours_cost_nothing() {
        let mut half = outage(10);
        half.hours.iter_mut().for_each(|hour| hour.share = 0.5);
        assert!((lost(&steady(), &half).expected_units - 10.0).abs() < 1e-9);
        let none = lost(&steady(), &outage(0));
        assert_eq!((none.expected_units, none.units_p90, none.margin_minor), (0.0, 0.0, 0));
    }
}

//! Parameters found again in buyers that were made with them.

use models::{
    FitError,
    ltv::{BgNbd, GammaGamma, History, Spending},
};

/// Numbers in 0..1, the same each time: a linear congruential generator of 64 bits.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
    fn exponential(&mut self, rate: f64) -> f64 {
        -self.roll().ln() / rate
    }
}

/// A buyer over `weeks`, with r = 1 and a = 1: rates are exponential, and the share who leave is 1 - U^(1/b).
fn buyer(dice: &mut Dice, alpha: f64, b: f64, weeks: f64) -> History {
    let rate = dice.exponential(alpha);
    let leaves = 1.0 - dice.roll().powf(1.0 / b);
    let mut history = History { repeats: 0, last: 0.0, seen: weeks };
    loop {
        let next = history.last + dice.exponential(rate);
        if next > weeks {
            return history;
        }
        (history.last, history.repeats) = (next, history.repeats + 1);
        if dice.roll() < leaves {
            return history;
        }
    }
}

#[test]
fn how_often_buyers_buy_and_leave_is_found_again() {
    let mut dice = Dice(11);
    let buyers: Vec<History> =
        (0..8_000).map(|number| buyer(&mut dice, 6.0, 3.0, 26.0 + f64::from(number % 27))).collect();
    let model = BgNbd::fit(&buyers).unwrap();
    // Of a and b the sample says little but their ratio.
    let leave = model.a / (model.a + model.b);
    for (name, found, made) in [("r", model.r, 1.0), ("alpha", model.alpha, 6.0), ("who leave", leave, 0.25)]
    {
        assert!((found / made - 1.0).abs() < 0.15, "{name}: {found}, made with {made}");
    }
}

#[test]
fn what_is_foretold_of_simulated_buyers_comes() {
    let mut dice = Dice(5);
    let whole: Vec<History> = (0..8_000).map(|_| buyer(&mut dice, 6.0, 3.0, 40.0)).collect();
    let model = BgNbd { r: 1.0, alpha: 6.0, a: 1.0, b: 3.0 };
    // At the beginning nothing is known of anybody but that they bought once.
    let new = History { repeats: 0, last: 0.0, seen: 0.0 };
    let foretold = model.expected(&new, 40.0);
    let came = whole.iter().map(|buyer| f64::from(buyer.repeats)).sum::<f64>() / 8_000.0;
    assert!((foretold / came - 1.0).abs() < 0.05, "{foretold} foretold, {came} came");
}

#[test]
fn buyers_who_are_all_alike_give_an_answer_or_an_error_but_no_nonsense() {
    let weekly = History { repeats: 25, last: 25.0, seen: 25.5 };
    let once = History { repeats: 0, last: 0.0, seen: 25.5 };
    for buyers in [vec![weekly; 50], vec![once; 50], [vec![weekly; 25], vec![once; 25]].concat()] {
        match BgNbd::fit(&buyers) {
            Ok(model) => {
                let expected = model.expected(&buyers[0], 10.0);
                assert!((0.0..=15.0).contains(&expected), "{model:?}: {expected}");
                assert!((0.0..=1.0).contains(&model.p_alive(&buyers[0])), "{model:?}");
            }
            Err(error) => assert!(matches!(error, FitError::NotFound { .. }), "{error}"),
        }
    }
    match GammaGamma::fit(&[Spending { purchases: 3, mean: 2_888.0 }; 50]) {
        Ok(model) => {
            let expected = model.expected(&Spending { purchases: 3, mean: 2_888.0 });
            assert!((expected / 2_888.0 - 1.0).abs() < 0.05, "{model:?}: {expected}");
        }
        Err(error) => assert!(matches!(error, FitError::NotFound { .. }), "{error}"),
    }
}

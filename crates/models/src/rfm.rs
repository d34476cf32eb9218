//! Buyers by how lately, how often and for how much they bought.

/// What is known of one buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purchases {
    /// Days since the last purchase.
    pub recency_days: i64,
    /// Purchases.
    pub frequency_count: i64,
    /// What they paid less what they got back, in minor units.
    pub monetary_minor: i64,
}

/// A buyer's fifths and segment. 5 is the best fifth: the latest, the most, the most money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rfm {
    /// The fifth by recency, 1 to 5.
    pub recency: u8,
    /// The fifth by frequency, 1 to 5.
    pub frequency: u8,
    /// The fifth by money, 1 to 5.
    pub monetary: u8,
    /// The segment.
    pub segment: Segment,
}

/// A group of buyers to treat alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// They buy much, and bought lately.
    Champion,
    /// They buy regularly.
    Loyal,
    /// They bought lately and more than once or twice: they may become loyal.
    Promising,
    /// They bought lately for the first time or two.
    New,
    /// Neither lately nor long ago, and little.
    Wavering,
    /// They bought much, but not lately.
    AtRisk,
    /// They bought little, and not lately.
    Dormant,
    /// They bought little, and long ago.
    Lost,
}

impl Segment {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Champion => "champion",
            Self::Loyal => "loyal",
            Self::Promising => "promising",
            Self::New => "new",
            Self::Wavering => "wavering",
            Self::AtRisk => "at_risk",
            Self::Dormant => "dormant",
            Self::Lost => "lost",
        }
    }
    /// For people, in Chinese.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Champion => "重要价值客户",
            Self::Loyal => "忠诚客户",
            Self::Promising => "潜力客户",
            Self::New => "新客户",
            Self::Wavering => "摇摆客户",
            Self::AtRisk => "重要挽留客户",
            Self::Dormant => "沉睡客户",
            Self::Lost => "流失客户",
        }
    }
    /// The segment of a fifth by recency, and of the better one by frequency and money.
    fn of(recency: u8, worth: u8) -> Self {
        match (recency, worth) {
            (4.., 5..) => Self::Champion,
            (3.., 4..) => Self::Loyal,
            (4.., 3..) => Self::Promising,
            (4.., _) => Self::New,
            (3, _) => Self::Wavering,
            (_, 4..) => Self::AtRisk,
            (2, _) => Self::Dormant,
            (_, _) => Self::Lost,
        }
    }
}

/// Every buyer's fifths and segment, in the order given. Buyers alike in a number are in the same fifth: it depends
/// on how many are worse, so no order of the buyers changes it. Where most are alike, some fifths are empty.
pub fn rfm(buyers: &[Purchases]) -> Vec<Rfm> {
    let recency = fifths(buyers.iter().map(|buyer| buyer.recency_days.saturating_neg()));
    let frequency = fifths(buyers.iter().map(|buyer| buyer.frequency_count));
    let monetary = fifths(buyers.iter().map(|buyer| buyer.monetary_minor));
    let together = recency.into_iter().zip(frequency).zip(monetary);
    together
        .map(|((recency, frequency), monetary)| {
            let segment = Segment::of(recency, frequency.max(monetary));
            Rfm { recency, frequency, monetary, segment }
        })
        .collect()
}

/// The fifth of each value: five times the share of values below it, rounded down, and one.
fn fifths(values: impl Iterator<Item = i64>) -> Vec<u8> {
    let values: Vec<i64> = values.collect();
    let mut sorted = values.clone();
    sorted.sort_unstable();
    let fifth = |value: &i64| {
        let below = sorted.partition_point(|other| other < value);
        // At most 4, since at least one value is not below.
        1 + u8::try_from(5 * below / sorted.len()).unwrap_or(4)
    };
    values.iter().map(fifth).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn buyer(recency_days: i64, frequency_count: i64, monetary_minor: i64) -> Purchases {
        Purchases { recency_days, frequency_count, monetary_minor }
    }

    #[test]
    fn ten_different_buyers_fill_each_fifth_with_two() {
        let buyers: Vec<Purchases> = (0..10).map(|n| buyer(n, n, 100 * n)).collect();
        let scores = rfm(&buyers);
        let of = |score: fn(&Rfm) -> u8| scores.iter().map(score).collect::<Vec<_>>();
        assert_eq!(of(|it| it.recency), [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]);
        assert_eq!(of(|it| it.frequency), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        assert_eq!(of(|it| it.monetary), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        assert_eq!(scores[0].segment, Segment::New);
        assert_eq!(scores[4].segment, Segment::Wavering);
        assert_eq!(scores[9].segment, Segment::AtRisk);
    }

    #[test]
    fn buyers_alike_are_in_the_same_fifth() {
        let mut buyers = vec![buyer(30, 1, 500); 7];
        buyers.extend([buyer(2, 9, 9_000), buyer(400, 2, 800), buyer(1, 4, 4_000)]);
        let scores = rfm(&buyers);
        assert!(scores[..7].iter().all(|it| *it == scores[0]), "{scores:?}");
        assert_eq!((scores[0].frequency, scores[8].frequency, scores[7].frequency), (1, 4, 5));
        assert_eq!(scores[7].segment, Segment::Champion);
        assert_eq!(scores[8].segment, Segment::AtRisk);
        assert_eq!(rfm(&[]), []);
    }

    #[test]
    fn every_pair_of_fifths_has_a_segment() {
        let grid = |recency: u8| (1..=5).map(move |worth| Segment::of(recency, worth).as_str());
        let rows: Vec<Vec<&str>> = (1..=5).rev().map(|recency| grid(recency).collect()).collect();
        assert_eq!(rows[0], ["new", "new", "promising", "loyal", "champion"]);
        assert_eq!(rows[1], rows[0]);
        assert_eq!(rows[2], ["wavering", "wavering", "wavering", "loyal", "loyal"]);
        assert_eq!(rows[3], ["dormant", "dormant", "dormant", "at_risk", "at_risk"]);
        assert_eq!(rows[4], ["lost", "lost", "lost", "at_risk", "at_risk"]);
    }

    proptest! {
        #[test]
        fn the_order_of_the_buyers_does_not_matter(
            rows in proptest::collection::vec((0..20_i64, 1..5_i64, 0..9_i64), 1..40),
            turn in 0..40_usize,
        ) {
            let buyers: Vec<Purchases> = rows.iter().map(|(r, f, m)| buyer(*r, *f, *m)).collect();
            let mut turned = buyers.clone();
            turned.rotate_left(turn % buyers.len());
            let mut scores = rfm(&buyers);
            scores.rotate_left(turn % buyers.len());
            prop_assert_eq!(scores, rfm(&turned));
        }
    }
}

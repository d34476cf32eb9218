//! The least value of a function of a few variables: the downhill simplex of Nelder and Mead.
//!
//! Four variables at most are searched here, and each search must repeat bit by bit, which these lines do; a library
//! for optimisation would bring linear algebra and random numbers along.

use crate::FitError;

const STEPS_MAX: usize = 4_000;

/// The point where `of` is least, and its value there, from a start and a first step along each axis. A value that is
/// no number counts as infinite.
pub(crate) fn minimise<const N: usize>(
    start: [f64; N],
    step: f64,
    tolerance: f64,
    of: impl Fn(&[f64; N]) -> f64,
) -> Result<([f64; N], f64), FitError> {
    let value = |point: [f64; N]| {
        let value = of(&point);
        (if value.is_nan() { f64::INFINITY } else { value }, point)
    };
    let mut corners = vec![value(start)];
    for axis in 0..N {
        let mut point = start;
        point[axis] += step;
        corners.push(value(point));
    }
    for _ in 0..STEPS_MAX {
        // Stable, so equal values keep their order.
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (best, second, worst) = (corners[0], corners[N - 1], corners[N]);
        if worst.0 - best.0 < tolerance && width(&corners) < tolerance.max(1e-7) {
            return Ok((best.1, best.0));
        }
        let middle = centre(&corners[..N]);
        let along =
            |factor: f64| value(std::array::from_fn(|i| middle[i] + factor * (worst.1[i] - middle[i])));
        let mirrored = along(-1.0);
        corners[N] = if mirrored.0 < best.0 {
            let further = along(-2.0);
            if further.0 < mirrored.0 { further } else { mirrored }
        } else if mirrored.0 < second.0 {
            mirrored
        } else {
            let nearer = along(if mirrored.0 < worst.0 { -0.5 } else { 0.5 });
            if nearer.0 < worst.0.min(mirrored.0) {
                nearer
            } else {
                for corner in &mut corners[1..] {
                    *corner = value(std::array::from_fn(|i| (corner.1[i] + best.1[i]) / 2.0));
                }
                continue;
            }
        };
    }
    Err(FitError::NotFound { steps: STEPS_MAX })
}

fn centre<const N: usize>(corners: &[(f64, [f64; N])]) -> [f64; N] {
    std::array::from_fn(|i| corners.iter().map(|corner| corner.1[i]).sum::<f64>() / corners.len() as f64)
}

/// How far apart the corners are, along the widest axis.
fn width<const N: usize>(corners: &[(f64, [f64; N])]) -> f64 {
    let apart =
        |corner: &(f64, [f64; N])| (0..N).map(|i| (corner.1[i] - corners[0].1[i]).abs()).fold(0.0, f64::max);
    corners.iter().map(apart).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_bottom_of_a_curved_valley() {
        let rosenbrock = |p: &[f64; 2]| (1.0 - p[0]).powi(2) + 100.0 * (p[1] - p[0] * p[0]).powi(2);
        let (point, least) = minimise([-1.2, 1.0], 0.5, 1e-12, rosenbrock).unwrap();
        assert!((point[0] - 1.0).abs() < 1e-4 && (point[1] - 1.0).abs() < 1e-4, "{point:?}");
        assert!(least < 1e-9);
    }

    #[test]
    fn a_function_without_a_bottom_is_an_error() {
        assert_eq!(minimise([0.0], 1.0, 1e-9, |p| -p[0]), Err(FitError::NotFound { steps: 4_000 }));
        assert!(minimise([0.0], 1.0, 1e-9, |_| f64::NAN).is_err());
    }
}

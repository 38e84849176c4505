//! Decimal numbers of any length, for sums of floating point numbers without their noise.

use num_bigint::{BigInt, Sign};

use crate::error::FuncError;

/// The decimals of a quotient.
const PRECISION: i64 = 16;

/// `digits * 10^exponent`.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    digits: BigInt,
    exponent: i64,
}

impl Decimal {
    /// The shortest decimal that reads as `number` again; infinite ones have none.
    pub(super) fn from_float(number: f64) -> Result<Self, FuncError> {
        let text = format!("{number:e}");
        let parsed = number.is_finite().then(|| text.split_once('e')).flatten().and_then(|(digits, exponent)| {
            let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            let exponent = exponent.parse::<i64>().ok()? - i64::try_from(decimals).ok()?;
            Some(Self { digits: digits.replace('.', "").parse().ok()?, exponent })
        });
        let shown = if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        parsed.ok_or_else(|| FuncError::new(format!("Cannot create a Decimal from {shown}")))
    }

    /// The nearest floating point number.
    pub(super) fn to_float(&self) -> f64 {
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or_default()
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        Self { digits: self.scaled_to(exponent) + other.scaled_to(exponent), exponent }
    }

    pub(super) fn subtract(&self, other: &Self) -> Self {
        self.add(&Self { digits: -&other.digits, exponent: other.exponent })
    }

    pub(super) fn multiply(&self, other: &Self) -> Self {
        Self { digits: &self.digits * &other.digits, exponent: self.exponent + other.exponent }
    }

    /// The quotient to 16 decimals, halves away from zero.
    pub(super) fn divide(&self, other: &Self) -> Result<Self, FuncError> {
        if other.digits.sign() == Sign::NoSign {
            return Err(FuncError::new("decimal division by 0"));
        }
        let shift = self.exponent - other.exponent + PRECISION;
        let (numerator, denominator) = if shift >= 0 {
            (&self.digits * power_of_ten(shift), other.digits.clone())
        } else {
            (self.digits.clone(), &other.digits * power_of_ten(-shift))
        };
        let quotient = &numerator / &denominator;
        let rest = &numerator % &denominator;
        let away = (rest.magnitude() << 1_u8) >= *denominator.magnitude();
        let step = match (away, numerator.sign() == denominator.sign()) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => -1,
        };
        Ok(Self { digits: quotient + step, exponent: -PRECISION })
    }

    fn scaled_to(&self, exponent: i64) -> BigInt {
        &self.digits * power_of_ten(self.exponent - exponent)
    }
}

fn power_of_ten(exponent: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(exponent).unwrap_or_default())
}

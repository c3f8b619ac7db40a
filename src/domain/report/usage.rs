//! The usage of an agent: tokens, and the cost if its program reports it.
//!
//! Invariant: sums are exact. Money is counted in millionths of a dollar, and written in dollars.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The usage of one attempt, or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// The tokens of the model's input, cached or not.
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// `None` if the program does not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Dollars>,
}

/// An amount of money, in millionths of a US dollar; written as a number of dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct Dollars(u64);

impl From<f64> for Dollars {
    /// Converts dollars; a negative number or NaN becomes 0.
    fn from(dollars: f64) -> Dollars {
        Dollars((dollars * 1e6).round() as u64)
    }
}

impl From<Dollars> for f64 {
    fn from(dollars: Dollars) -> f64 {
        dollars.0 as f64 / 1e6
    }
}

impl fmt::Display for Dollars {
    /// Writes two digits, or four if the amount is less than one dollar.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.0 < 1_000_000 { 4 } else { 2 };
        write!(f, "${:.digits$}", f64::from(*self))
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens in, {} out", self.input_tokens, self.output_tokens)?;
        self.cost_usd.map_or(Ok(()), |cost| write!(f, ", {cost}"))
    }
}

/// Returns the sum, with a cost if any of them has one; `None` if there are none.
pub(crate) fn sum(usages: impl IntoIterator<Item = Usage>) -> Option<Usage> {
    usages.into_iter().reduce(|one, other| Usage {
        input_tokens: one.input_tokens.saturating_add(other.input_tokens),
        output_tokens: one.output_tokens.saturating_add(other.output_tokens),
        cost_usd: match (one.cost_usd, other.cost_usd) {
            (Some(one), Some(other)) => Some(Dollars(one.0.saturating_add(other.0))),
            (one, other) => one.or(other),
        },
    })
}

impl Usage {
    /// Returns the usage since `before`; `self` is a running total that includes it.
    pub fn since(self, before: Usage) -> Usage {
        let cost_usd = self
            .cost_usd
            .map(|cost| Dollars(cost.0.saturating_sub(before.cost_usd.unwrap_or_default().0)));
        Usage {
            input_tokens: self.input_tokens.saturating_sub(before.input_tokens),
            output_tokens: self.output_tokens.saturating_sub(before.output_tokens),
            cost_usd,
        }
    }
}

/// Reads a count of tokens, limited to what the journal can store.
pub(super) fn tokens(count: &Value) -> u64 {
    count.as_u64().unwrap_or_default().min(u64::from(u32::MAX) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_adds_up_and_keeps_its_shape() {
        let usage = |cost: Option<f64>| Usage {
            input_tokens: 1,
            output_tokens: 2,
            cost_usd: cost.map(Dollars::from),
        };
        let all = sum([usage(Some(0.1)), usage(None), usage(Some(0.2))]).expect("some");
        assert_eq!(all.to_string(), "3 tokens in, 6 out, $0.3000");
        assert_eq!(usage(Some(12.345)).to_string(), "1 tokens in, 2 out, $12.35");
        let text = toml::to_string(&all).expect("writes");
        assert!(text.contains("cost_usd = 0.3"), "{text}");
        assert_eq!(toml::from_str::<Usage>(&text).expect("reads"), all);
        assert_eq!(sum([]), None);
        assert_eq!(all.since(usage(Some(0.1))).to_string(), "2 tokens in, 4 out, $0.2000");
        assert_eq!(usage(None).since(all), Usage::default());
        assert_eq!(Dollars::from(f64::NAN), Dollars::from(-1.0));
    }
}

//! Time limits of stages.
//!
//! Invariant: pure. A stage without a limit of its own has `timeout`; the `timeout` of a task
//! limits only its work, not its planning, reviews and tests.

use super::Settings;
use crate::domain::task::Stage;

/// The limits that differ from `timeout`, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Timeouts {
    pub plan: Option<u64>,
    pub review: Option<u64>,
    pub fix: Option<u64>,
    pub test: Option<u64>,
    pub setup: Option<u64>,
}

impl Timeouts {
    /// Returns the place of a stage's limit by the word of the stage.
    pub(super) fn slot(&mut self, stage: &str) -> Option<&mut Option<u64>> {
        match stage {
            "plan" => Some(&mut self.plan),
            "review" => Some(&mut self.review),
            "fix" => Some(&mut self.fix),
            "test" => Some(&mut self.test),
            "setup" => Some(&mut self.setup),
            _ => None,
        }
    }

    /// Returns the limits of both; those of `self` win.
    pub(super) fn or(self, other: Timeouts) -> Timeouts {
        Timeouts {
            plan: self.plan.or(other.plan),
            review: self.review.or(other.review),
            fix: self.fix.or(other.fix),
            test: self.test.or(other.test),
            setup: self.setup.or(other.setup),
        }
    }

    /// Returns each limit with the name of its stage.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let all = [
            ("plan", self.plan),
            ("review", self.review),
            ("fix", self.fix),
            ("test", self.test),
            ("setup", self.setup),
        ];
        all.into_iter().filter_map(|(name, limit)| Some((name, limit?)))
    }
}

impl Settings {
    /// Returns the limit of an attempt in seconds; `own` is the task's own limit.
    pub(crate) fn limit_of(&self, stage: Stage, own: Option<u64>) -> u64 {
        let limit = match stage {
            Stage::Plan => self.timeouts.plan,
            Stage::Implement => own,
            Stage::Fix | Stage::FixTests | Stage::FixConflict => own.or(self.timeouts.fix),
            Stage::SpecReview | Stage::QualityReview | Stage::Review | Stage::FinalReview => {
                self.timeouts.review
            }
        };
        limit.unwrap_or(self.timeout)
    }

    /// Returns the limit of each test command, in seconds.
    pub(crate) fn test_limit(&self) -> u64 {
        self.timeouts.test.unwrap_or(self.timeout)
    }

    /// Returns the limit of `setup`, in seconds.
    pub(crate) fn setup_limit(&self) -> u64 {
        self.timeouts.setup.unwrap_or(self.timeout)
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::config::{Layer, merge};
    use crate::domain::snapshot::Flags;
    use crate::domain::task::Stage;

    #[test]
    fn a_stage_has_its_own_limit_or_that_of_all() {
        let file = "timeout = '1h'\n[timeouts]\nplan = '4m'\nreview = '5m'\nsetup = '2m'\n";
        let file = Layer::from_toml(file).expect("sound");
        let git = [("timeouts.review", "10m"), ("timeouts.test", "90s"), ("timeouts.dance", "1s")];
        let git = git.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let git = Layer::from_git(git).expect("sound");
        let settings = merge(&Flags::default(), git, file);
        assert_eq!(settings.limit_of(Stage::Implement, None), 3600);
        assert_eq!(settings.limit_of(Stage::Implement, Some(7)), 7);
        assert_eq!(settings.limit_of(Stage::Fix, Some(7)), 7);
        assert_eq!(settings.limit_of(Stage::Fix, None), 3600);
        assert_eq!(settings.limit_of(Stage::Plan, Some(7)), 240);
        assert_eq!(settings.limit_of(Stage::SpecReview, Some(7)), 600);
        assert_eq!((settings.test_limit(), settings.setup_limit()), (90, 120));
        let named: Vec<_> = settings.timeouts.named().collect();
        assert_eq!(named, [("plan", 240), ("review", 600), ("test", 90), ("setup", 120)]);
        let git = Layer::from_git([("timeouts.plan".into(), "3m".into())]).expect("sound");
        let limit =
            |git| merge(&Flags::default(), git, Layer::default()).limit_of(Stage::Plan, None);
        assert_eq!((limit(git), limit(Layer::default())), (180, 1800));
    }

    #[test]
    fn what_is_no_limit_is_told() {
        let told = Layer::from_toml("[timeouts]\nreview = 'soon'").expect_err("no time");
        assert!(told[0].text.ends_with("'soon' is not a time such as 30m"), "{told:?}");
        assert!(Layer::from_toml("[timeouts]\ndance = '5m'").is_err());
        let told = Layer::from_git([("timeouts.fix".into(), "soon".into())]).expect_err("no time");
        assert!(told.contains("orchestrate.timeouts.fix"), "{told}");
    }
}

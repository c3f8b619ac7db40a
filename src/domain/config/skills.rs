//! The skills that agents load, by role: an agent starts fresh and inherits none.
//!
//! Invariant: pure. An unknown role is refused, since no agent would ever load its skills.

use crate::domain::task::Stage;

/// The role of an agent, which decides its skills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Plan,
    Implement,
    Review,
    /// Fixes findings and failed tests, and resolves conflicts.
    Fix,
}

impl Role {
    pub(crate) const ALL: [Role; 4] = [Role::Plan, Role::Implement, Role::Review, Role::Fix];

    /// Returns the role of the agent in a stage.
    pub(crate) fn of(stage: Stage) -> Role {
        match stage {
            Stage::Plan => Role::Plan,
            Stage::Implement => Role::Implement,
            Stage::SpecReview | Stage::QualityReview | Stage::Review | Stage::FinalReview => {
                Role::Review
            }
            Stage::Fix | Stage::FixTests | Stage::FixConflict => Role::Fix,
        }
    }

    /// Returns the word, as in the settings.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Role::Plan => "plan",
            Role::Implement => "implement",
            Role::Review => "review",
            Role::Fix => "fix",
        }
    }
}

/// The skills of each role; `None` if a source does not set them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Skills {
    plan: Option<Vec<String>>,
    implement: Option<Vec<String>>,
    review: Option<Vec<String>>,
    fix: Option<Vec<String>>,
}

impl Skills {
    /// Returns the skills of a role, in the order in which they are loaded.
    pub(crate) fn of(&self, role: Role) -> &[String] {
        let skills = match role {
            Role::Plan => &self.plan,
            Role::Implement => &self.implement,
            Role::Review => &self.review,
            Role::Fix => &self.fix,
        };
        skills.as_deref().unwrap_or_default()
    }

    /// Returns the place of a role's skills by the word of the role.
    pub(super) fn slot(&mut self, role: &str) -> Option<&mut Option<Vec<String>>> {
        let role = Role::ALL.into_iter().find(|known| known.word() == role)?;
        Some(match role {
            Role::Plan => &mut self.plan,
            Role::Implement => &mut self.implement,
            Role::Review => &mut self.review,
            Role::Fix => &mut self.fix,
        })
    }

    /// Merges two sources, role by role; the first one wins.
    pub(super) fn or(self, other: Skills) -> Skills {
        Skills {
            plan: self.plan.or(other.plan),
            implement: self.implement.or(other.implement),
            review: self.review.or(other.review),
            fix: self.fix.or(other.fix),
        }
    }
}

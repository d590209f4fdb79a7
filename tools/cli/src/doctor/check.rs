//! One thing looked at: what was found, what that does to figures, and how to mend it.

use serde_json::{Value, json};

/// What is to be made of a finding; the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// As it should be.
    Good,
    /// Could not be read here; never a fault.
    Unknown,
    /// Figures can suffer.
    CouldHurt,
    /// Figures do suffer, or a run can fail.
    Bad,
}

impl Verdict {
    /// Every verdict, the worst first.
    pub(super) const ALL: [Verdict; 4] =
        [Verdict::Bad, Verdict::CouldHurt, Verdict::Unknown, Verdict::Good];

    /// In words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Unknown => "unknown",
            Verdict::CouldHurt => "could hurt",
            Verdict::Bad => "bad",
        }
    }
}

/// What a check is about, whatever it finds.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    /// Its name.
    pub(super) name: &'static str,
    /// What a bad finding does to figures.
    pub(super) effect: &'static str,
    /// How to mend a bad finding.
    pub(super) mend: &'static str,
}

/// A check with its finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) found: String,
    pub(super) verdict: Verdict,
    pub(super) effect: &'static str,
    pub(super) mend: &'static str,
}

impl About {
    /// Found, and judged.
    pub(super) fn found(&self, verdict: Verdict, found: impl Into<String>) -> Check {
        let About { name, effect, mend } = *self;
        Check { name: String::from(name), found: found.into(), verdict, effect, mend }
    }

    /// `Good` where `is_good`, else `otherwise`.
    pub(super) fn good_if(
        &self,
        is_good: bool,
        otherwise: Verdict,
        found: impl Into<String>,
    ) -> Check {
        self.found(if is_good { Verdict::Good } else { otherwise }, found)
    }

    /// What `look` finds; unknown, because `why`, where it finds nothing.
    pub(super) fn or_unknown(&self, why: &str, look: impl FnOnce() -> Option<Check>) -> Check {
        look().unwrap_or_else(|| self.found(Verdict::Unknown, why))
    }
}

impl Check {
    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "name": self.name,
            "found": self.found,
            "verdict": self.verdict.name(),
            "effect": self.effect,
            "mend": self.mend,
        })
    }
}

/// Bytes for people: `1.5 GiB`.
pub(super) fn bytes_text(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] =
        [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    for (unit, size) in UNITS {
        if bytes >= size {
            return format!("{:.1} {unit}", bytes as f64 / size as f64);
        }
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_readable_units() {
        assert_eq!(bytes_text(0), "0 B");
        assert_eq!(bytes_text(1_536), "1.5 KiB");
        assert_eq!(bytes_text(8 << 20), "8.0 MiB");
        assert_eq!(bytes_text(u64::MAX), "16777216.0 TiB");
    }
}

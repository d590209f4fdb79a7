//! The four sections of state, and when their digests may be compared.
//!
//! A digest says something of another only where both were made of the same bytes: by the same
//! version of the section's encoding, under the same configuration. Otherwise the answer is *not
//! comparable*, never *mismatch*: that word is kept for state that is different.

use core::fmt;

use crate::state::digest::{Digest, Digester};

/// A part of state with a version, a fingerprint and a digest of its own.
///
/// The numbers are part of every digest and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Section {
    /// Live orders in queue order.
    Books = 1,
    /// Figures, tape and quality counts of the symbols, and what concerns no symbol.
    Metrics = 2,
    /// Open windows of bars, and those that were corrected.
    Windows = 3,
    /// State of the detectors, and the alerts they have open.
    Detectors = 4,
}

impl Section {
    /// How many sections there are.
    pub const COUNT: usize = 4;

    /// Every section, in the order of its number.
    pub const ALL: [Section; Self::COUNT] =
        [Section::Books, Section::Metrics, Section::Windows, Section::Detectors];

    /// The name in `summary.json` and in the `hashes` file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Section::Books => "books",
            Section::Metrics => "metrics",
            Section::Windows => "windows",
            Section::Detectors => "detectors",
        }
    }

    /// The section with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Section> {
        Section::ALL.into_iter().find(|section| section.name() == name)
    }

    /// Version of the section's encoding and of what its fields mean. It rises whenever equal events
    /// would give other bytes.
    #[must_use]
    pub const fn state_version(self) -> u32 {
        match self {
            Section::Metrics => 3,
            Section::Books | Section::Windows => 2,
            // Without detectors the section is as it was before there were any.
            Section::Detectors => 1,
        }
    }

    /// The place in [`Section::ALL`].
    pub(super) const fn index(self) -> usize {
        self as usize - 1
    }
}

const _: () = {
    let mut i = 0;
    while i < Section::COUNT {
        assert!(Section::ALL[i] as usize == i + 1);
        i += 1;
    }
};

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Stands for the part of a configuration that a section's state depends on: the selection of
/// symbols, the limits, windows and detectors.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Of a configuration as canonical text: equal configurations must give equal text.
    #[must_use]
    pub fn of(configuration: &str) -> Fingerprint {
        let mut digester = Digester::new();
        digester.begin(b"conf");
        crate::state::encode::Sink::bytes(&mut digester, configuration.as_bytes());
        Fingerprint(digester.finish().0)
    }
}

/// 16 lower-case hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A section's digest with all that says what it may be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionHash {
    /// The section.
    pub section: Section,
    /// [`Section::state_version`] of the program that made the digest.
    pub state_version: u32,
    /// Of the configuration it was made under.
    pub fingerprint: Fingerprint,
    /// The digest.
    pub digest: Digest,
}

/// What a comparison came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The same state.
    Equal,
    /// Another state.
    Mismatch {
        /// The digest on record.
        recorded: Digest,
        /// The digest of the state at hand.
        computed: Digest,
    },
    /// The digests say nothing of each other.
    NotComparable {
        /// Why.
        reason: NotComparable,
    },
}

/// Why two digests say nothing of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotComparable {
    /// They are of two sections.
    Section {
        /// The one on record.
        recorded: Section,
        /// The one at hand.
        computed: Section,
    },
    /// The encoding has changed between them.
    Version {
        /// The one on record.
        recorded: u32,
        /// The one at hand.
        computed: u32,
    },
    /// They were made under two configurations.
    Configuration {
        /// The one on record.
        recorded: Fingerprint,
        /// The one at hand.
        computed: Fingerprint,
    },
}

impl fmt::Display for NotComparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotComparable::Section { recorded, computed } => {
                write!(f, "the digest on record is of section {recorded}, not of {computed}")
            }
            NotComparable::Version { recorded, computed } => write!(
                f,
                "the digest on record is of state version {recorded}, this program's is {computed}"
            ),
            NotComparable::Configuration { recorded, computed } => write!(
                f,
                "the digest on record was made under configuration {recorded}, this one is {computed}"
            ),
        }
    }
}

impl SectionHash {
    /// A digest that this program has made under a configuration.
    #[must_use]
    pub const fn new(section: Section, fingerprint: Fingerprint, digest: Digest) -> Self {
        SectionHash { section, state_version: section.state_version(), fingerprint, digest }
    }

    /// Holds the digest of the state at hand against one on record.
    #[must_use]
    pub fn compare(&self, recorded: &SectionHash) -> Compared {
        let reason = if recorded.section != self.section {
            NotComparable::Section { recorded: recorded.section, computed: self.section }
        } else if recorded.state_version != self.state_version {
            let (recorded, computed) = (recorded.state_version, self.state_version);
            NotComparable::Version { recorded, computed }
        } else if recorded.fingerprint != self.fingerprint {
            let (recorded, computed) = (recorded.fingerprint, self.fingerprint);
            NotComparable::Configuration { recorded, computed }
        } else if recorded.digest == self.digest {
            return Compared::Equal;
        } else {
            return Compared::Mismatch { recorded: recorded.digest, computed: self.digest };
        };
        Compared::NotComparable { reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(configuration: &str, digest: u64) -> SectionHash {
        let fingerprint = Fingerprint::of(configuration);
        SectionHash::new(Section::Books, fingerprint, Digest(digest))
    }

    #[test]
    fn only_digests_of_one_version_and_configuration_are_compared() {
        let ours = hash("symbols=", 1);
        assert_eq!(ours.compare(&hash("symbols=", 1)), Compared::Equal);
        let (recorded, computed) = (Digest(2), Digest(1));
        assert_eq!(ours.compare(&hash("symbols=", 2)), Compared::Mismatch { recorded, computed });
        let is_not_comparable = |recorded: &SectionHash, why: &str| {
            let Compared::NotComparable { reason } = ours.compare(recorded) else {
                panic!("{recorded:?} is comparable");
            };
            assert!(reason.to_string().contains(why), "{reason}");
        };
        // Not even equal digests are, nor is a difference ever called one.
        for digest in [1, 2] {
            is_not_comparable(&hash("symbols=AAPL", digest), "configuration");
            let older = SectionHash { state_version: 0, ..hash("symbols=", digest) };
            is_not_comparable(&older, "version 0, this program's is 2");
            let other = SectionHash { section: Section::Metrics, ..hash("symbols=", digest) };
            is_not_comparable(&other, "section metrics, not of books");
        }
    }

    #[test]
    fn a_section_is_found_by_its_name_alone() {
        for section in Section::ALL {
            assert_eq!(Section::from_name(section.name()), Some(section));
            assert_eq!(Section::from_name(&section.name().to_uppercase()), None);
        }
        assert_eq!(Section::from_name(""), None);
    }

    #[test]
    fn a_fingerprint_tells_configurations_apart_and_is_pinned() {
        assert_ne!(Fingerprint::of(""), Fingerprint::of("symbols="));
        assert_eq!(Fingerprint::of("symbols=").to_string(), "2b01c318a24f3109");
    }
}

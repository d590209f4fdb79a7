//! The key of a session's archived segments and snapshots, where its configuration says it is.
//!
//! The configuration names a file or an environment variable and never holds the key, so neither does
//! `session.toml`. What cannot be used as a key is told without what was found.

use std::path::Path;
use std::sync::Arc;

use engine::log::archive::key::{ArchiveKey, KeyError};

use crate::config::Config;
use crate::exit::Failure;

/// What to do where the key is missing or another one.
pub(crate) const ADVICE_ON_KEYS: &str = "give the key with which it was recorded: in the file that encryption.key_file names in session.toml, or in the variable that encryption.key_env does";

/// The key that a configuration names; `None` where it names none.
pub(crate) fn named_in(config: &Config) -> Result<Option<Arc<ArchiveKey>>, Failure> {
    let encryption = &config.encryption;
    let key = match (encryption.key_file.as_str(), encryption.key_env.as_str()) {
        ("", "") => return Ok(None),
        ("", variable) => ArchiveKey::from_variable(variable),
        (file, _) => ArchiveKey::from_file(Path::new(file)),
    };
    key.map(|key| Some(Arc::new(key))).map_err(|error| unusable(&error))
}

fn unusable(error: &KeyError) -> Failure {
    let advice = match error {
        KeyError::Io { .. } => {
            "give the key there, or name another place with encryption.key_file or encryption.key_env"
        }
        KeyError::Open { .. } => "take the permissions from all but its owner: chmod 600",
        KeyError::Unset { .. } => "set it, or name a file in encryption.key_file",
        KeyError::File { .. } | KeyError::Variable { .. } => "make one with `openssl rand -hex 32`",
    };
    Failure::usage(format_args!("{error}; {advice}"))
}

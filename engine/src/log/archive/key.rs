//! The key of encrypted files: where it comes from, and how a file says which one it needs.
//!
//! A key is 32 bytes, given as 64 hexadecimal digits or, in a file, as the bytes themselves. It is never
//! printed, and overwritten in memory when it is dropped. A file made with it carries its [`KeyId`],
//! which tells keys apart and nothing about them.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use zeroize::{Zeroize as _, Zeroizing};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// What is hashed with a key to give its id.
const ID_OF: &[u8] = b"tapewatch archive key id";

/// Longest text of a key that is looked at: its digits and what an editor may put around them.
const TEXT_BYTES_MAX: u64 = 256;

/// Permissions of anyone but the owner.
const OTHERS: u32 = 0o077;

/// Encrypts and decrypts archived files. See the module.
pub struct ArchiveKey {
    bytes: [u8; KEY_BYTES],
    id: KeyId,
}

/// The first 8 bytes of a BLAKE3 hash keyed with a key, of a constant.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 8]);

impl core::fmt::Display for KeyId {
    /// 16 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl core::fmt::Debug for KeyId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Why a file cannot be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// No key was given.
    #[error("it is encrypted, and no key was given")]
    Missing,
    /// It was made with another one.
    #[error("it is encrypted with another key: with {made_with}, {given} was given")]
    Another {
        /// The id in the file.
        made_with: KeyId,
        /// That of the key given.
        given: KeyId,
    },
}

/// Why there is no key. None of it tells what was found.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read the key file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others than the owner may read or change it.
    #[error("the key file {} can be used by others than its owner (mode {mode:03o})", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// What the file holds is no key.
    #[error("the key file {} holds neither 64 hexadecimal digits nor 32 bytes", path.display())]
    File {
        /// The file.
        path: PathBuf,
    },
    /// The variable is not set.
    #[error("the environment variable {name} with the key is not set")]
    Unset {
        /// The variable.
        name: String,
    },
    /// What the variable holds is no key.
    #[error("the environment variable {name} does not hold a key's 64 hexadecimal digits")]
    Variable {
        /// The variable.
        name: String,
    },
}

impl ArchiveKey {
    /// The key that consists of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_BYTES]) -> ArchiveKey {
        let hash = blake3::keyed_hash(bytes, ID_OF);
        let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
        ArchiveKey { bytes: *bytes, id: KeyId([a, b, c, d, e, f, g, h]) }
    }

    /// The key in a file that only its owner may use: 64 hexadecimal digits, white space around them, or
    /// 32 bytes.
    ///
    /// # Errors
    /// The file cannot be read, others may use it, or it holds something else.
    pub fn from_file(path: &Path) -> Result<ArchiveKey, KeyError> {
        let unreadable = |source| KeyError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.mode() & 0o777;
        if mode & OTHERS != 0 {
            return Err(KeyError::Open { path: path.to_owned(), mode });
        }
        // Room for all of it: a vector that grows would leave copies.
        let mut bytes = Zeroizing::new(Vec::with_capacity(TEXT_BYTES_MAX as usize + 1));
        file.take(TEXT_BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
        let raw = <&[u8; KEY_BYTES]>::try_from(bytes.as_slice()).ok().map(ArchiveKey::new);
        raw.or_else(|| ArchiveKey::from_digits(&bytes))
            .ok_or_else(|| KeyError::File { path: path.to_owned() })
    }

    /// The key whose 64 hexadecimal digits are the value of an environment variable.
    ///
    /// # Errors
    /// The variable is not set, or holds something else.
    pub fn from_variable(name: &str) -> Result<ArchiveKey, KeyError> {
        let value =
            std::env::var_os(name).ok_or_else(|| KeyError::Unset { name: name.to_owned() })?;
        let value = Zeroizing::new(value.into_encoded_bytes());
        ArchiveKey::from_digits(&value).ok_or_else(|| KeyError::Variable { name: name.to_owned() })
    }

    fn from_digits(text: &[u8]) -> Option<ArchiveKey> {
        let digits: &[u8; 2 * KEY_BYTES] = text.trim_ascii().try_into().ok()?;
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            for &digit in pair {
                let value = char::from(digit).to_digit(16)?;
                *byte = *byte << 4 | value as u8;
            }
        }
        Some(ArchiveKey::new(&bytes))
    }

    /// Tells it from other keys.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }
}

impl Drop for ArchiveKey {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl core::fmt::Debug for ArchiveKey {
    /// Its id alone.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "ArchiveKey({})", self.id)
    }
}

impl PartialEq for ArchiveKey {
    fn eq(&self, other: &ArchiveKey) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for ArchiveKey {}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn key_file(content: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("key");
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
        (dir, path)
    }

    #[test]
    fn digits_and_raw_bytes_give_the_same_key() {
        let bytes: [u8; 32] = core::array::from_fn(|at| at as u8 * 7 + 1);
        let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        let expected = ArchiveKey::new(&bytes);
        for content in [bytes.to_vec(), format!(" {digits}\n").into_bytes()] {
            let (_guard, path) = key_file(&content, 0o600);
            assert_eq!(ArchiveKey::from_file(&path).expect("a key"), expected);
        }
    }

    #[test]
    fn what_is_no_key_is_told_without_what_it_holds() {
        for content in ["", "abc", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64)] {
            let (_guard, path) = key_file(content.as_bytes(), 0o600);
            let error = ArchiveKey::from_file(&path).expect_err("no key").to_string();
            assert!(error.contains("64 hexadecimal digits"), "{error}");
            assert!(content.is_empty() || !error.contains(content), "{error}");
        }
        let (_guard, path) = key_file(&[b'a'; 32], 0o640);
        let error = ArchiveKey::from_file(&path).expect_err("open to a group").to_string();
        assert!(error.contains("mode 640"), "{error}");
        let gone = ArchiveKey::from_file(Path::new("/nowhere/key")).expect_err("none");
        assert!(gone.to_string().contains("/nowhere/key"));
        let unset = ArchiveKey::from_variable("TAPEWATCH_NO_SUCH_KEY").expect_err("not set");
        assert!(unset.to_string().contains("TAPEWATCH_NO_SUCH_KEY"));
    }

    #[test]
    fn a_key_shows_its_id_and_not_itself() {
        let key = ArchiveKey::new(&[0xab; 32]);
        let hash = blake3::keyed_hash(&[0xab; 32], b"tapewatch archive key id");
        assert_eq!(key.id().0, hash.as_bytes()[..8]);
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("ArchiveKey({})", key.id()));
        assert!(!shown.contains("abab"));
    }
}

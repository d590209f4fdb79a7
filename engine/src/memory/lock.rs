//! Keeps the process's memory in memory.

use rustix::mm::{MlockAllFlags, mlockall};

/// Locks all pages of the process, those of later mappings included, as they are touched: address
/// space that is only reserved stays free of memory.
///
/// # Errors
/// What the system says, `ENOMEM` or `EPERM` where the limit on locked memory forbids it.
pub fn lock_all() -> std::io::Result<()> {
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)
        .map_err(Into::into)
}
